"""Everything that is raised: the tree, the facts, the text, and what survives a pickle."""

from __future__ import annotations

import copy
import json
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, TEXTS
from zoho_oauth import Secret, Token, errors

FACTS = {
    "owner": "customer-42",
    "data_center": "eu",
    "fingerprint": "01234567",
    "hint": "Ask for consent again.",
    "code": "invalid_code",
    "retry_at": 1_800_000_600.0,
}
CLASSES = sorted(
    (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)),
    key=lambda each: each.__name__,
)
FAMILIES = {errors.MustReconnect: "reconnect", errors.MustReconfigure: "configure", errors.MustWait: "wait"}


def tree_in_words() -> dict[str, str | None]:
    """Class and parent, from the drawing in the module's docstring."""
    branches: list[str] = []
    parents: dict[str, str | None] = {}
    for line in errors.__doc__.splitlines():
        match = re.match(r" {4}((?:│   |    )*(?:[├└]── )?)([A-Z]\w+)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        branches[depth:] = [match[2]]
        parents[match[2]] = branches[depth - 1] if depth else None
    return parents


class TestTree:
    def test_the_docstring_draws_the_classes_as_they_are(self):
        in_code = {
            each.__name__: None if each is errors.ZohoOAuthError else each.__base__.__name__
            for each in CLASSES
        }

        assert tree_in_words() == in_code

    def test_a_leaf_is_in_exactly_one_family(self):
        for each in set(CLASSES) - {errors.ZohoOAuthError}:
            families = [family for family in FAMILIES if issubclass(each, family)]
            assert len(families) == 1
            assert each.family == FAMILIES[families[0]]

    def test_the_base_belongs_to_no_family(self):
        assert errors.ZohoOAuthError.family == ""

    @pytest.mark.parametrize("error_class", CLASSES)
    def test_each_says_what_it_means(self, error_class):
        assert error_class.__doc__
        assert error_class.__doc__ != error_class.__base__.__doc__

    def test_none_shadows_a_builtin_exception(self):
        assert not any(issubclass(each, OSError | ValueError) for each in CLASSES)


@pytest.mark.parametrize("error_class", CLASSES)
class TestEach:
    def test_it_keeps_all_its_facts_in_a_pickle(self, error_class):
        error = error_class("What happened.", **FACTS)

        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            back = pickle.loads(pickle.dumps(error, protocol))
            assert type(back) is error_class
            assert {name: getattr(back, name) for name in FACTS} == FACTS
            assert (back.message, back.args, str(back)) == (error.message, error.args, str(error))

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_a_copy_is_the_same_in_all_but_identity(self, error_class, copied):
        error = error_class("What happened.", **FACTS)
        error.__cause__ = ValueError("hidden")

        back = copied(error)

        assert back is not error
        assert (str(back), {name: getattr(back, name) for name in FACTS}) == (str(error), FACTS)
        assert back.__cause__ is back.__context__ is back.__traceback__ is None

    def test_its_text_names_whose_token_where_and_what_to_do(self, error_class):
        text = str(error_class("What happened.", **FACTS))

        assert text == (
            "What happened. (owner customer-42, data center eu, grant 01234567) Ask for consent again."
        )

    def test_its_text_leaves_out_what_is_not_known(self, error_class):
        assert str(error_class("What happened.")) == "What happened."
        assert str(error_class("What happened.", hint="Wait.")) == "What happened. Wait."
        assert str(error_class("What happened.", owner="x")) == "What happened. (owner x)"

    def test_an_owner_with_an_empty_name_is_named(self, error_class):
        assert str(error_class("What happened.", owner="")) == "What happened. (owner )"

    def test_facts_are_given_by_name_only(self, error_class):
        with pytest.raises(TypeError):
            error_class("What happened.", "customer-42")


@EXAMPLES
@given(TEXTS, st.none() | TEXTS, st.none() | st.floats(allow_nan=False), st.sampled_from(CLASSES))
def test_any_facts_survive_a_pickle(message, text, retry_at, error_class):
    error = error_class(message, owner=text, hint=text, code=text, retry_at=retry_at)

    back = pickle.loads(pickle.dumps(error))

    assert vars(back) == vars(error)


class TestStoreUnavailable:
    token = Token(
        access_token=Secret("1000.fake-access-1"),
        refresh_token=Secret("1000.fake-refresh-1"),
        expires_at=1.0,
        minted_at=0.0,
        data_center="us",
    )

    def error(self):
        error = errors.StoreUnavailable("What happened.", owner="customer-42")
        error.token = self.token
        return error

    def test_it_may_carry_a_token(self):
        assert errors.StoreUnavailable("What happened.").token is None
        assert self.error().token is self.token

    def test_the_token_is_not_in_its_text_or_args(self):
        error = self.error()

        for shown in (repr(error), str(error), repr(error.args), repr(vars(error)), f"{error!r:>9}"):
            assert "fake" not in shown

    def test_the_token_is_not_in_its_pickle(self):
        pickled = pickle.dumps(self.error())

        assert b"fake" not in pickled
        assert pickle.loads(pickled).token is None

    def test_the_token_does_not_reach_json(self):
        with pytest.raises(TypeError):
            json.dumps(vars(self.error()))
