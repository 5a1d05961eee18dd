"""What a 401 says about the token: a table, and then whatever the bytes are."""

from __future__ import annotations

import json
import os
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import count
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth._rejections import DEEPEST, WORDS, Meaning, read_rejection
from zoho_oauth.testing.answers import DEAD_TOKEN, NO_PERMISSION, NO_TOKEN, SCOPE_MISMATCH, html_page

SEED = int(os.environ.get("ZOHO_OAUTH_SEED", "7"))
TOKEN, CREDENTIAL, SCOPE, PERMISSION = Meaning


def body(value):
    return json.dumps(value).encode()


def nested(value, depth):
    for _ in range(depth):
        value = {"error": value}
    return body(value)


#: The shapes of Zoho's products (developer pages of each), and bodies that say nothing.
TABLE = [
    (DEAD_TOKEN.body, TOKEN),
    (NO_TOKEN.body, CREDENTIAL),
    (SCOPE_MISMATCH.body, SCOPE),
    (NO_PERMISSION.body, PERMISSION),
    (body({"errorCode": "INVALID_OAUTH", "message": "The OAuth Token you provided is invalid."}), TOKEN),
    (body({"errorCode": "SCOPE_MISMATCH", "message": "no access"}), SCOPE),
    (body({"errorCode": "OAUTH_ORG_MISMATCH", "message": "wrong organization"}), PERMISSION),
    (body({"errorCode": "FORBIDDEN"}), PERMISSION),
    (body({"data": {"errorCode": "INVALID_OAUTHTOKEN"}, "status": {"code": 401}}), TOKEN),
    (body({"error": {"code": 6401, "details": [{"message": "INVALID_OAUTHTOKEN"}]}}), TOKEN),
    (body({"error": {"code": "INVALID_TICKET", "message": "Invalid ticket"}}), CREDENTIAL),
    (body({"errors": [{"code": "INVALID_OAUTHSCOPE"}]}), SCOPE),
    (body({"errors": [{"id": "F7004", "title": "Invalid OAuth scope."}]}), SCOPE),
    (body({"error": "insufficient_scope"}), SCOPE),
    (body([{"code": "invalid_token"}]), TOKEN),
    (body({"code": " INVALID_TOKEN\n"}), TOKEN),
    (body("INVALID_OAUTHSCOPE"), SCOPE),
    # Two words: what is not about the token decides, since another token cannot help.
    (body({"code": "INVALID_TOKEN", "cause": "OAUTH_SCOPE_MISMATCH"}), SCOPE),
    (body({"code": "AUTHENTICATION_FAILURE", "details": {"reason": "OAUTH_ORG_MISMATCH"}}), PERMISSION),
    # A word within a sentence, or as a name, is none.
    (body({"message": "OAUTH_SCOPE_MISMATCH happened"}), TOKEN),
    (body({"OAUTH_SCOPE_MISMATCH": True}), TOKEN),
    # Nothing that can be read: the token is blamed.
    (b"", TOKEN),
    (b" ", TOKEN),
    (b"null", TOKEN),
    (b"{}", TOKEN),
    (b"[]", TOKEN),
    (b"401", TOKEN),
    (b"NaN", TOKEN),
    (b"\xff\xfe\x00", TOKEN),
    (b"\x00" * 8, TOKEN),
    (b'{"code": "OAUTH_SCOPE_MIS', TOKEN),
    (b'"\\ud800"', TOKEN),
    (b"9" * 10_000, TOKEN),
    (html_page(401).body, TOKEN),
    (b"[" * 60_000, TOKEN),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, TOKEN),
    (SCOPE_MISMATCH.body.decode().encode("utf-16"), SCOPE),
    (SCOPE_MISMATCH.body.decode().encode("utf-8-sig"), SCOPE),
    (nested("OAUTH_SCOPE_MISMATCH", DEEPEST), SCOPE),
    (nested("OAUTH_SCOPE_MISMATCH", DEEPEST + 1), TOKEN),
    (SCOPE_MISMATCH.body + b" " * (LONGEST_ANSWER - len(SCOPE_MISMATCH.body)), SCOPE),
    (SCOPE_MISMATCH.body + b" " * LONGEST_ANSWER, TOKEN),
]


def naive(status, text):
    """As one writes it at first."""
    if status == 401 and json.loads(text)["code"] != "OAUTH_SCOPE_MISMATCH":
        return Meaning.TOKEN
    return None


def mutated(random_source):
    changed = bytearray(random_source.choice(TABLE)[0][:2_000])
    for _ in range(random_source.randint(1, 3)):
        at = random_source.randrange(len(changed) + 1)
        change = random_source.randrange(4)
        if change == 0:
            changed[at : at + random_source.randint(0, 9)] = b""
        elif change == 1:
            changed[at:at] = random_source.randbytes(random_source.randint(1, 4))
        elif change == 2:
            changed[at:at] = random_source.choice([b"{", b"[", b'"', b"\\u0000", b"1e999", b"\xef\xbb\xbf"])
        else:
            changed[at:at] = body(random_source.choice(list(WORDS)))
    return bytes(changed)


class TestTable:
    @pytest.mark.parametrize(("text", "meaning"), TABLE, ids=range(len(TABLE)))
    def test_the_body_of_a_401_says_what_it_is_about(self, text, meaning):
        assert read_rejection(401, text) is meaning

    @pytest.mark.parametrize("word", WORDS)
    def test_each_word_is_known_wherever_it_stands(self, word):
        bodies = [body({"code": word}), body([[word]]), nested(word.lower(), 3)]

        assert [read_rejection(401, each) for each in bodies] == [WORDS[word]] * 3

    @pytest.mark.parametrize("status", [200, 204, 302, 400, 402, 403, 404, 429, 500, 503])
    def test_no_other_status_is_a_rejection(self, status):
        assert [read_rejection(status, text) for text, _ in TABLE] == [None] * len(TABLE)

    def test_only_two_meanings_call_for_a_refresh(self):
        assert [each for each in Meaning if each.calls_for_refresh] == [TOKEN, CREDENTIAL]


class TestWhateverTheBytesAre:
    def test_mutated_bodies_have_a_meaning_too(self):
        random_source, found = random.Random(SEED), dict.fromkeys(Meaning, 0)
        cases = count(25_000)
        for _ in range(cases):
            found[read_rejection(401, mutated(random_source))] += 1

        print(f"\nseed {SEED}: {cases} mutations, {found}")
        assert sum(found.values()) == cases > 0
        assert min(found.values()) > 0

    def test_a_reader_that_trusts_the_wire_breaks_on_them(self):
        """The control."""
        random_source, broken = random.Random(SEED), 0
        for _ in range(1_000):
            try:
                naive(401, mutated(random_source))
            except Exception:
                broken += 1

        assert broken > 100

    @settings(max_examples=count(500), deadline=None)
    @given(st.integers(100, 599), st.binary(max_size=2_000))
    def test_any_bytes(self, status, text):
        found = read_rejection(status, text)

        assert isinstance(found, Meaning) if status == 401 else found is None

    @settings(max_examples=count(500), deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.sampled_from(sorted(WORDS)),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
            ),
        )
    )
    def test_any_json(self, value):
        assert isinstance(read_rejection(401, json.dumps(value).encode()), Meaning)

    def test_the_largest_body_that_is_read_takes_no_time(self):
        wide = (b'["' + b'","'.join([b"a"] * 16_000) + b'"]')[: LONGEST_ANSWER - 1]
        deep = b"[" * LONGEST_ANSWER
        began = time.perf_counter()
        for text in (wide, deep, b"9" * LONGEST_ANSWER):
            assert read_rejection(401, text) is TOKEN

        assert time.perf_counter() - began < 0.5
