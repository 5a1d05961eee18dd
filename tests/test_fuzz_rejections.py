"""Whatever the bytes are: no error, nothing of them in the meaning, nothing past the cap, no time."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus_rejections import HTML, JSON, REJECTIONS
from tests.scale import count
from zoho_oauth import ErrorCode, Family, Meaning, Product, _rejections
from zoho_oauth._error_codes import ERROR_CODES, WORDS
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth._rejections import ApiAnswer, read_rejection, statuses_to_read

SEED = int(os.environ.get("ZOHO_OAUTH_SEED", "7"))
CANARY = "canary-4711-of-a-token"
STATUSES = (200, 400, 401, 403, 404, 429, 500, 503)
OWN = ("files.example", "/v1/things")

CODES = {None, *(each.code for each in ERROR_CODES)}
HINTS = {"", *(each.hint for each in ERROR_CODES)}
PRODUCTS = {None, *(each.code for each in Product.all())}
PLACES = [*sorted({each.place for each in REJECTIONS}), OWN, ("", ""), ("xn--a.example", "//")]


def answer(status, text, place=OWN, content_type=JSON):
    host, path = place
    return ApiAnswer(host=host, path=path, status=status, content_type=content_type, body=text)


def assert_sound(meaning, given):
    """All of it comes from the library's tables, so nothing comes from the body."""
    assert (meaning.code in CODES, meaning.hint in HINTS, meaning.product in PRODUCTS) == (True,) * 3
    assert meaning.retry_after is None
    assert CANARY not in repr(meaning)
    assert len(repr(meaning)) < 400
    if meaning.calls_for_refresh:
        assert given.status in (400, 401, 500)


def naive(given):
    """As one writes it at first."""
    value = json.loads(given.body)
    family = Family.TOKEN if given.status == 401 and value["code"] != "OAUTH_SCOPE_MISMATCH" else Family.OTHER
    return Meaning(family=family, code=str(value["code"]))


# --- mutations -------------------------------------------------------------------------------------------


def with_canary(value, chance, random_source):
    """The same value with the canary in place of some of its leaves."""
    if isinstance(value, dict):
        return {key: with_canary(inner, chance, random_source) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_canary(inner, chance, random_source) for inner in value]
    return CANARY if random_source.random() < chance else value


def bytes_changed(text, random_source):
    changed = bytearray(text)
    pieces = [b"{", b"[", b'"', b"\\u0000", b"1e999", b"\xef\xbb\xbf", CANARY.encode()]
    for _ in range(random_source.randint(1, 3)):
        at = random_source.randrange(len(changed) + 1)
        change = random_source.randrange(4)
        if change == 0:
            changed[at : at + random_source.randint(0, 9)] = b""
        elif change == 1:
            changed[at:at] = random_source.randbytes(random_source.randint(1, 4))
        elif change == 2:
            changed[at:at] = random_source.choice(pieces)
        else:
            changed[at:at] = json.dumps(random_source.choice(list(WORDS))).encode()
    return bytes(changed)


def mutated(random_source):
    rejection = random_source.choice(REJECTIONS)
    text = rejection.body
    if random_source.random() < 0.5 and text[:1] in (b"{", b"["):
        text = json.dumps(with_canary(json.loads(text), 0.3, random_source)).encode()
    if random_source.random() < 0.7:
        text = bytes_changed(text, random_source)
    status = rejection.status if random_source.random() < 0.7 else random_source.choice(STATUSES)
    place = rejection.place if random_source.random() < 0.7 else random_source.choice(PLACES)
    return answer(status, text, place, random_source.choice([JSON, JSON, JSON, HTML, ""]))


class TestMutations:
    def test_each_has_a_meaning_and_nothing_leaks(self):
        random_source, found, coded, planted = random.Random(SEED), Counter(), 0, 0
        cases = count(25_000)
        for _ in range(cases):
            given = mutated(random_source)
            meaning = read_rejection(given)
            assert_sound(meaning, given)
            found[meaning.family] += 1
            coded += meaning.code is not None
            planted += CANARY.encode() in given.body

        print(f"\nseed {SEED}: {cases} mutations, {dict(found)}, {coded} with a code, {planted} canaries")
        assert set(found) == set(Family)
        assert min(coded, planted) > cases // 10

    def test_a_reader_that_trusts_the_wire_breaks_and_leaks(self):
        """The control."""
        random_source, broken, leaked = random.Random(SEED), 0, 0
        for _ in range(1_000):
            try:
                leaked += CANARY in repr(naive(mutated(random_source)))
            except Exception:
                broken += 1

        assert broken > 100
        assert leaked > 10


anywhere = st.sampled_from(PLACES) | st.tuples(st.text(max_size=30), st.text(max_size=60))
statuses = st.sampled_from(STATUSES) | st.integers(-1, 1_000)
kinds = st.sampled_from([JSON, HTML, "application/problem+json"]) | st.text(max_size=30)
keys = st.sampled_from(sorted({step for each in ERROR_CODES for step in each.at.split(".")}))
leaves = st.sampled_from(sorted({each.code for each in ERROR_CODES} | set(WORDS)))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=9), inner, max_size=4)
    ),
)


class TestAnything:
    @settings(max_examples=count(1_000), deadline=None)
    @given(statuses, anywhere, kinds, st.binary(max_size=2_000))
    def test_any_bytes(self, status, place, kind, text):
        given_answer = answer(status, text, place, kind)

        assert_sound(read_rejection(given_answer), given_answer)
        assert 401 in statuses_to_read(*place)

    @settings(max_examples=count(2_000), deadline=None)
    @given(statuses, anywhere, kinds, values)
    def test_any_json(self, status, place, kind, value):
        given_answer = answer(status, json.dumps(value).encode(), place, kind)

        assert_sound(read_rejection(given_answer), given_answer)

    @settings(max_examples=count(1_000), deadline=None)
    @given(statuses, values, st.text(max_size=12), st.text(max_size=12), st.text(max_size=5))
    def test_any_code_of_a_users(self, status, value, code, at, message):
        mine = ErrorCode(
            code=f"{code}x", at=f"{at}.*", family=Family.SCOPE, statuses=frozenset(), message=message
        )
        given_answer = answer(status, json.dumps(value).encode())

        assert read_rejection(given_answer, [mine]).code in {mine.code, *CODES}


# --- the cap ---------------------------------------------------------------------------------------------


@pytest.fixture
def lengths(monkeypatch):
    """How long the bodies were that were parsed."""
    found = []

    def loads(text):
        found.append(len(text))
        return json.loads(text)

    monkeypatch.setattr(_rejections, "json", SimpleNamespace(loads=loads))
    return found


class TestCap:
    @pytest.mark.parametrize("status", STATUSES)
    def test_more_is_not_parsed(self, lengths, status):
        for length in (LONGEST_ANSWER + 1, 2 * LONGEST_ANSWER, 16 * LONGEST_ANSWER):
            meaning = read_rejection(answer(status, b'{"code": "INVALID_OAUTHSCOPE"}'.ljust(length)))
            assert meaning.family is not Family.SCOPE

        assert lengths == []

    def test_the_cap_itself_is(self, lengths):
        """The control."""
        meaning = read_rejection(answer(401, b'{"code": "INVALID_OAUTHSCOPE"}'.ljust(LONGEST_ANSWER)))

        assert (meaning.family, lengths) == (Family.SCOPE, [LONGEST_ANSWER])

    def test_a_success_is_not_parsed_at_all(self, lengths):
        read_rejection(answer(200, b'{"code": "INVALID_TOKEN"}'))

        assert lengths == []


# --- time ------------------------------------------------------------------------------------------------


def filled(begin, piece, end):
    """As many pieces as the cap leaves room for; `%x` in a piece is its number."""
    pieces, room = [], LONGEST_ANSWER - len(begin.encode()) - len(end) + 1
    while room > 0:
        text = piece.replace("%x", f"{len(pieces):x}")
        room -= len(text.encode()) + 1
        pieces.append(text)
    return f"{begin}{','.join(pieces[:-1])}{end}".encode()


#: Each is the cap, or little less.
WORST = {
    "numbers": filled("[", "1", "]"),
    "short words": filled("[", '"a"', "]"),
    "empty texts": filled("[", '""', "]"),
    "lists": filled("[", "[]", "]"),
    "objects": filled("[", "{}", "]"),
    "names": filled("{", '"%x":"a"', "}"),
    "the longest words": filled("[", '"' + "INVALID_OAUTH" * 4 + '"', "]"),
    "words beyond ASCII": filled("[", '"' + "ŉ" * 30 + '"', "]"),
    "as deep as it is searched": filled("[[[[[", '"a"', "]]]]]"),
    "deep": b"[" * LONGEST_ANSWER,
    "deep and closed": b"[" * (LONGEST_ANSWER // 2) + b"]" * (LONGEST_ANSWER // 2),
    "as deep as json goes": b"[" * 900 + b"1," * 31_000 + b"1" + b"]" * 900,
    "deep objects": b'{"a":' * 10_900 + b"1" + b"}" * 10_900,
    "one text": filled('{"code":"' + "a" * 65_000 + '","x":[', "1", "]}"),
    "one text beyond ASCII": filled('{"code":"' + "ŉ" * 32_500 + '","x":[', "1", "]}"),
    "digits": b"9" * LONGEST_ANSWER,
    "long numbers": filled("[", "9" * 4_300, "]"),
    "a long fraction": b'{"code":0.' + b"9" * 65_500 + b"}",
    "the same name": filled("{", '"code":1', "}"),
    "ids": filled('{"errors":[', '{"id":1}', "]}"),
    "ids in words": filled('{"errors":[', '{"id":"a"}', "]}"),
    "no ids": filled('{"errors":[', "1", "]}"),
    "floats as ids": filled('{"errors":[', '{"id":1e99}', "]}"),
    "codes in a list": filled('{"error":[', '{"error_code":""}', "]}"),
    "a code with a message": filled('{"error_code":2401,"x":[', '"a"', "]}"),
    "UTF-16": ("[" + "1," * 16_000 + "1]").encode("utf-16"),
    "no UTF-8": b'["' + b"\xff" * 65_500 + b'"]',
    "zeros": bytes(LONGEST_ANSWER),
    "no JSON": b"<" * LONGEST_ANSWER,
}
#: A user with very many codes, all of the slow kinds.
MANY = tuple(
    ErrorCode(code=f"X{number}", at=at, family=Family.SCOPE, message="nothing of it")
    for number in range(25)
    for at in ("code", "errors.*.id", "error.*.error_code", "*.*.*.*")
) + tuple(
    ErrorCode(code="2401", at="error_code", family=Family.SCOPE, message=f"Q{number}") for number in range(25)
)
ALLOWED = 0.050


def best(call, text):
    """The least processor time of five runs, so that a busy machine makes no difference."""
    times = []
    for _ in range(5):
        began = time.thread_time()
        call(text)
        times.append(time.thread_time() - began)
    return min(times)


def row_by_row(text):
    """A reader that looks through the whole body for every row."""
    value = json.loads(text)
    for row in ERROR_CODES:
        any(row.code in each.upper() for each in _rejections._texts(value))


class TestTime:
    @pytest.mark.parametrize("codes", [(), MANY], ids=["", "with many codes of a user"])
    def test_the_worst_bodies_take_none(self, codes):
        took = {
            name: best(lambda text: read_rejection(answer(401, text), codes), text)
            for name, text in WORST.items()
        }

        slowest = sorted(took, key=took.__getitem__)[-5:]
        print("\n" + ", ".join(f"{name} {took[name] * 1_000:.1f} ms" for name in slowest))
        assert max(took.values()) < ALLOWED

    def test_they_are_as_large_as_can_be(self):
        assert {name: len(text) for name, text in WORST.items() if len(text) > LONGEST_ANSWER} == {}
        assert {name for name, text in WORST.items() if len(text) < 0.95 * LONGEST_ANSWER} == set()

    def test_a_reader_that_looks_row_by_row_takes_longer(self):
        """The control."""
        assert best(row_by_row, WORST["short words"]) > ALLOWED
