"""The table of error codes, and the codes that users add to it."""

from __future__ import annotations

import json

import pytest

from tests.corpus_rejections import HTML, JSON, REJECTIONS
from zoho_oauth import ErrorCode, Family, Product
from zoho_oauth._bodies import REJECTING
from zoho_oauth._error_codes import ANY_STATUS, ERROR_CODES, WORDS
from zoho_oauth._rejections import LONGEST_WORD, ApiAnswer, read_rejection, statuses_to_read
from zoho_oauth.errors import ConfigurationError

#: A host that `allow_hosts` may name.
OWN = ("files.example", "/v1/things")
PLACES = {each.product: each.place for each in REJECTIONS if each.product}
IDS = [f"{'-'.join(each.products[:1]) or 'any'}-{each.code}" for each in ERROR_CODES]


def body_of(row):
    """A body that has the code where the row says."""
    value = row.code
    for step in reversed(row.at.split(".")):
        value = [0, value] if step == "*" else {step: value}
    return json.dumps(
        [value, row.message] if isinstance(value, list) else value | {"text": row.message}
    ).encode()


def read(status, text, place, codes=(), content_type=JSON):
    host, path = place
    answer = ApiAnswer(host=host, path=path, status=status, content_type=content_type, body=text)
    return read_rejection(answer, codes)


def code(text="X1", at="code", family=Family.SCOPE, **more):
    return ErrorCode(code=text, at=at, family=family, **more)


class TestTable:
    @pytest.mark.parametrize("row", ERROR_CODES, ids=IDS)
    def test_each_row_has_a_source(self, row):
        assert row.source

    @pytest.mark.parametrize("row", ERROR_CODES, ids=IDS)
    def test_each_row_was_met(self, row):
        met = {(each.code, each.family) for each in REJECTIONS}

        assert (row.code, row.family) in met

    def test_each_product_of_a_row_was_met(self):
        unmet = {each for row in ERROR_CODES for each in row.products} - set(PLACES)

        assert unmet == {"workdrive-upload"}

    @pytest.mark.parametrize("row", ERROR_CODES, ids=IDS)
    def test_each_row_is_found_at_its_place_for_each_product_and_status(self, row):
        places = [PLACES[each] for each in row.products if each in PLACES] or [OWN]
        found = [
            read(status, body_of(row), place)
            for place in places
            for status in row.statuses or (400, 401, 403, 429, 500)
        ]

        assert {(each.family, each.code) for each in found} == {(row.family, row.code)}

    @pytest.mark.parametrize("row", ERROR_CODES, ids=IDS)
    def test_a_row_that_calls_for_another_token_names_its_statuses(self, row):
        assert row.statuses == ANY_STATUS or row.statuses <= REJECTING
        assert row.statuses != ANY_STATUS or not row.calls_for_refresh

    def test_each_word_can_be_met(self):
        assert all(word.isalpha() and word.isupper() and len(word) <= LONGEST_WORD for word in WORDS)


class TestStatusesToRead:
    def test_400_and_500_are_read_where_a_product_is_known_to_answer_so(self):
        read_there = {product: statuses_to_read(*place) for product, place in PLACES.items()}

        like_crm = {"crm", "crm-sandbox", "crm-developer", "crm-upload", "bigin", "phonebridge"}
        with_400 = {product for product, statuses in read_there.items() if 400 in statuses}
        assert with_400 == {*like_crm, "projects", "projects-v2"}
        with_500 = {product for product, statuses in read_there.items() if 500 in statuses}
        assert with_500 == {"workdrive", "workdrive-download"}
        assert set.union(*map(set, read_there.values())) == REJECTING

    @pytest.mark.parametrize("place", [OWN, ("www.zohoapis.eu", "/new/v1"), ("127.0.0.1", "/"), ("", "")])
    def test_elsewhere_only_401_is(self, place):
        assert statuses_to_read(*place) == {401}

    def test_a_gateway_of_ones_own_is_known_by_the_path(self):
        assert statuses_to_read("gateway.example", "/crm/v8/Leads") == {400, 401}
        assert statuses_to_read("127.0.0.1", "/workdrive/api/v1/files") == {401, 500}

    def test_the_path_has_to_be_the_products_whole_name(self):
        assert statuses_to_read("www.zohoapis.eu", "/crmlike/v1") == {401}

    def test_a_users_code_adds_its_statuses(self):
        mine = [code(family=Family.TOKEN, products="desk", statuses={500})]

        assert statuses_to_read(*PLACES["desk"], mine) == {401, 500}
        assert statuses_to_read(*PLACES["books"], mine) == {401}
        assert statuses_to_read(*OWN, mine) == {401, 500}

    def test_one_that_causes_no_refresh_adds_none(self):
        assert statuses_to_read(*OWN, [code(statuses=ANY_STATUS), code(statuses={400})]) == {401}


class TestOfUsers:
    def test_it_is_asked_before_the_library(self):
        mine = [code("invalid_token", family=Family.PERMISSION, hint="ask Ann")]
        meaning = read(401, b'{"code": "INVALID_TOKEN"}', PLACES["crm"], mine)

        assert (meaning.family, meaning.code, meaning.hint) == (Family.PERMISSION, "invalid_token", "ask Ann")

    def test_it_is_asked_before_the_words(self):
        mine = [code("INVALID_TICKET", at="reason", family=Family.TOKEN)]

        assert read(401, b'{"reason": "INVALID_TICKET"}', OWN, mine).calls_for_refresh

    def test_what_it_does_not_know_is_the_librarys(self):
        assert read(401, b'{"code": "INVALID_TOKEN"}', PLACES["crm"], [code()]).code == "INVALID_TOKEN"

    @pytest.mark.parametrize("mine", ["x1", "X1", " x1 "])
    @pytest.mark.parametrize("theirs", ["x1", "X1", "X1 "])
    def test_case_and_spaces_make_no_difference(self, mine, theirs):
        assert read(401, json.dumps({"code": theirs}).encode(), OWN, [code(mine)]).family is Family.SCOPE

    @pytest.mark.parametrize("mine", [9_001, "9001"])
    @pytest.mark.parametrize("theirs", [9_001, "9001"])
    def test_a_number_and_its_text_are_the_same(self, mine, theirs):
        meaning = read(401, json.dumps({"code": theirs}).encode(), OWN, [code(mine)])

        assert (meaning.family, meaning.code) == (Family.SCOPE, "9001")

    @pytest.mark.parametrize(
        ("at", "value"),
        [
            ("code", {"code": "X1"}),
            ("a.b.c", {"a": {"b": {"c": "X1"}}}),
            ("errors.*", {"errors": ["Y", "X1"]}),
            ("errors.*.id", {"errors": [{}, {"id": None}, 7, {"id": "X1"}]}),
            ("*.code", [{"code": "X1"}]),
            ("a.*.b.*.c", {"a": [{"b": [{"c": "X1"}]}]}),
        ],
    )
    def test_it_stands_where_at_says(self, at, value):
        mine = [code(at=at)]

        assert read(401, json.dumps(value).encode(), OWN, mine).code == "X1"
        assert read(401, json.dumps({"other": value}).encode(), OWN, mine).code is None

    @pytest.mark.parametrize("value", [{"code": {"X1": 1}}, {"code": ["X1"]}, "X1", ["X1"], {"CODE": "X1"}])
    def test_and_nowhere_else(self, value):
        assert read(401, json.dumps(value).encode(), OWN, [code()]).code is None

    def test_a_part_of_a_message_makes_the_difference(self):
        mine = [code(), code(family=Family.TOKEN, message="has Expired")]
        texts = ["The token HAS EXPIRED.", "The scope is missing."]
        found = [read(401, json.dumps({"code": "X1", "a": [text]}).encode(), OWN, mine) for text in texts]

        assert [each.family for each in found] == [Family.TOKEN, Family.SCOPE]

    def test_the_parts_of_a_message_are_not_put_together(self):
        mine = [code(message="has expired")]

        assert read(401, b'{"code": "X1", "a": "has", "b": " expired"}', OWN, mine).code is None

    def test_it_is_of_its_products_only(self):
        mine = [code(products=["desk", "Mail"], statuses=[401, 403])]
        places = [PLACES["desk"], PLACES["mail"], PLACES["crm"], OWN]

        assert [read(403, b'{"code": "X1"}', each, mine).code for each in places] == ["X1", "X1", None, "X1"]

    def test_it_comes_with_its_statuses_only(self):
        found = [read(each, b'{"code": "X1"}', OWN, [code(statuses=403)]).code for each in (401, 403, 200)]

        assert found == [None, "X1", None]

    def test_any_error_status_is_not_any_status(self):
        mine = [code(statuses=ANY_STATUS)]
        found = [read(each, b'{"code": "X1"}', OWN, mine).code for each in (100, 200, 302, 399, 400, 503)]

        assert found == [None, None, None, None, "X1", "X1"]

    def test_another_status_than_401_has_to_be_json(self):
        mine = [code(family=Family.TOKEN, statuses=[400, 401])]
        found = [read(each, b'{"code": "X1"}', OWN, mine, HTML).code for each in (400, 401)]

        assert found == [None, "X1"]


class TestBadInput:
    @pytest.mark.parametrize(
        "given",
        [
            {"products": "dsk"},
            {"products": ["desk", "CRM v8"]},
            {"products": [7]},
            {"statuses": [200]},
            {"statuses": [401, 302]},
            {"statuses": [600]},
            {"statuses": ["401"]},
            {"statuses": "401"},
            {"family": Family.TOKEN, "statuses": [403]},
            {"family": Family.TOKEN, "statuses": [401, 404]},
            {"family": Family.TOKEN, "statuses": [429]},
            {"family": Family.TOKEN, "statuses": []},
            {"family": Family.CREDENTIAL, "is_ambiguous": True, "statuses": [403]},
            {"family": Family.CREDENTIAL, "is_ambiguous": True, "statuses": []},
            {"family": "SCOPE"},
            {"family": None},
            {"text": ""},
            {"text": " "},
            {"at": ""},
        ],
    )
    def test_it_is_refused(self, given):
        with pytest.raises(ConfigurationError) as caught:
            code(**given)

        assert "ErrorCode(" in str(caught.value) or "product" in str(caught.value)

    def test_what_is_like_it_is_taken(self):
        taken = [
            code(products=[Product.get("desk")]),
            code(statuses={400, 599}),
            code(statuses=[]),
            code(family=Family.TOKEN, statuses=[400, 401, 500]),
            code(family=Family.CREDENTIAL, statuses=[403]),
        ]

        assert [each.code for each in taken] == ["X1"] * 5
