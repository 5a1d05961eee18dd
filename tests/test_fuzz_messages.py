"""Whatever the bytes are: one value, soon, without a secret in it. A reader that trusts the wire breaks."""

import json
import os
import random
import time
import tracemalloc
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus_answers import (
    ACCESS,
    GRANTED,
    LIVES,
    NO_TOKENS,
    REFRESH,
    REFUSED,
    THROTTLED,
)
from tests.scale import count
from zoho_oauth._data_centers import DataCenter
from zoho_oauth._failures import KINDS, Refusal
from zoho_oauth._messages import Granted, TokenResponse, read_retry_after, read_token_response
from zoho_oauth._secrets import Secret

US = DataCenter.get("us")
SEED = int(os.environ.get("ZOHO_OAUTH_SEED", "7"))
BODIES = (*GRANTED, *THROTTLED, *(row[0] for row in REFUSED))
FRAGMENTS = (
    *(b'"expires_in":%s' % life.encode() for life in LIVES if len(life) < 50),
    *(b'"access_token":%s' % token.encode() for token in NO_TOKENS if len(token) < 50),
    *(
        b'"error":"',
        b'"error":null',
        b'"status":"failure"',
        b'"scope":"',
        b'"token_type":',
        b'"api_domain":"',
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\x00",
        b"\xef\xbb\xbf",
    ),
    *(
        b"NaN",
        b"1e999",
        b"null",
        b"true",
        b"-1",
        b"\xc3\xa9",
        b"[" * 3000,
        b"9" * 5000,
        b"1000.fake-access-1",
    ),
)
STATUSES = (200, 200, 200, 400, 401, 302, 429, 500, 503)
RETRY_AFTERS = (None, "90", "-1", "Fri, 15 Jan 2027 08:05:00 GMT", "9" * 400, ACCESS)


def mutated(source: random.Random) -> bytes:
    body = bytearray(source.choice(BODIES))
    for _ in range(source.randint(0, 3)):
        at = source.randint(0, len(body))
        until = min(len(body), at + source.choice((0, 0, 1, 2, 8, 40)))
        inserted = source.choice((b"", source.choice(FRAGMENTS), source.randbytes(source.randint(1, 3))))
        body[at:until] = inserted
    return bytes(body)


def check(reader, body, status, retry_after):
    """What must hold for every answer there can be."""
    outcome = reader(
        TokenResponse(status=status, body=body, retry_after=retry_after),
        grant_type="refresh_token",
        data_center=US,
        now=1_800_000_000.0,
    )
    assert isinstance(outcome, Granted | Refusal)
    assert ACCESS not in repr(outcome)
    assert REFRESH not in repr(outcome)
    if isinstance(outcome, Refusal):
        assert outcome.kind in KINDS
        assert outcome.code is None or (0 < len(outcome.code) <= 200 and outcome.code.isascii())
        assert outcome.retry_after is None or 0 <= outcome.retry_after <= 3600
        return outcome
    assert 200 <= status < 300
    assert 0 < outcome.expires_in <= 86_400
    assert outcome.access_token.reveal().isascii()
    assert 0 < len(outcome.access_token.reveal()) <= 4096
    assert outcome.api_domain is None or outcome.api_domain.startswith("https://")
    outcome.access_token.reveal().encode("ascii")
    (outcome.scope or "").encode("ascii")
    return outcome


def trusting_reader(response, *, grant_type, data_center, now):
    """What many clients do."""
    answer = json.loads(response.body)
    if "error" in answer:
        return Refusal(kind="refused", code=answer["error"])
    return Granted(
        access_token=Secret(answer["access_token"]),
        expires_in=float(answer["expires_in"]),
        scope=answer.get("scope"),
        api_domain=answer.get("api_domain"),
    )


def run(reader, cases):
    source = random.Random(SEED)
    kinds: dict[str, int] = {}
    for _ in range(cases):
        body = mutated(source)
        outcome = check(reader, body, source.choice(STATUSES), source.choice(RETRY_AFTERS))
        name = outcome.kind if isinstance(outcome, Refusal) else "granted"
        kinds[name] = kinds.get(name, 0) + 1
    return kinds


def test_mutations_of_real_bodies_are_always_read_as_one_value():
    cases = count(25_000)

    kinds = run(read_token_response, cases)

    assert sum(kinds.values()) == cases
    # The mutations reach every branch, not just "broken".
    assert min(kinds[kind] for kind in ("granted", "grant", "client", "refused", "throttled")) > cases / 500
    assert kinds["malformed"] + kinds["unavailable"] < cases * 0.9


def test_a_reader_that_trusts_the_wire_does_not_survive_the_same_mutations():
    with pytest.raises(Exception):  # noqa: B017
        run(trusting_reader, 100)


def test_every_failure_of_the_trusting_reader_is_one_of_many_kinds():
    source, failures = random.Random(SEED), set()
    for _ in range(2_500):
        try:
            check(trusting_reader, mutated(source), 200, None)
        except Exception as error:
            failures.add(type(error).__name__)

    assert {"AssertionError", "JSONDecodeError", "KeyError", "TypeError", "UnicodeDecodeError"} <= failures


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = (
    "access_token",
    "refresh_token",
    "expires_in",
    "expires_in_sec",
    "token_type",
    "scope",
    "api_domain",
)
ANSWERS = st.dictionaries(
    st.sampled_from((*MEMBERS, "error", "error_description", "status")),
    JSON | st.sampled_from((ACCESS, REFRESH, "Bearer", 3600, "invalid_code", "Access Denied", "failure")),
)


DATES = st.from_regex(
    r"[A-Z][a-z]{2,8}, [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9:]{8} GMT", fullmatch=True
)
OLD_DATES = st.from_regex(r"[A-Z][a-z]{2} (Jan|Feb|Dec) [ 0-9][0-9] [0-9:]{8} [0-9]{4}", fullmatch=True)
EXAMPLES = settings(
    max_examples=count(5_000, least=500),
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)


def any_answer(reader):
    @EXAMPLES
    @given(
        ANSWERS.map(json.dumps).map(str.encode) | st.binary(max_size=300),
        st.integers(0, 999),
        st.text(max_size=40),
    )
    def examples(body, status, retry_after):
        check(reader, body, status, retry_after)

    examples()


def check_seconds(reader, text, now):
    seconds = reader(text, now=now)
    assert seconds is None or (type(seconds) is float and 0.0 <= seconds <= 3600.0)
    return seconds


def any_retry_after(reader):
    @EXAMPLES
    @given(st.text(max_size=60) | st.integers().map(str) | DATES | OLD_DATES, st.floats(0, 1e11))
    def examples(text, now):
        check_seconds(reader, text, now)

    examples()


def mutated_retry_afters(reader, cases):
    source, read = random.Random(SEED), 0
    seeds = (
        "120",
        "Fri, 15 Jan 2027 08:05:00 GMT",
        "Friday, 15-Jan-27 08:05:00 GMT",
        "Fri Jan  5 08:05:00 2027",
    )
    for _ in range(cases):
        text = list(source.choice(seeds))
        for _ in range(source.randint(0, 3)):
            text[source.randrange(len(text))] = source.choice("0123456789 :-,+.GMTz\x00\u0663\u00b2\ud800")
        read += check_seconds(reader, "".join(text), 1_800_000_000.0) is not None
    return read


def trusting_seconds(text, *, now):
    """What many clients do."""
    return float(text) if text.isdigit() else max(0.0, parsedate_to_datetime(text).timestamp() - now)


def test_any_json_and_any_bytes_are_read_as_one_value():
    any_answer(read_token_response)


def test_a_reader_that_trusts_the_wire_does_not_survive_the_same_examples():
    with pytest.raises(Exception):  # noqa: B017
        any_answer(trusting_reader)


def test_any_retry_after_is_a_bounded_number_of_seconds_or_nothing():
    any_retry_after(read_retry_after)


def test_mutations_of_retry_after_are_a_bounded_number_of_seconds_or_nothing():
    cases = count(25_000)

    assert cases / 10 < mutated_retry_afters(read_retry_after, cases) < cases


@pytest.mark.parametrize("loop", [any_retry_after, lambda reader: mutated_retry_afters(reader, 500)])
def test_a_reader_that_trusts_retry_after_survives_neither(loop):
    with pytest.raises(Exception):  # noqa: B017
        loop(trusting_seconds)


BIG = 65_536
LARGE_BODIES = {
    "text": b'{"access_token":"' + b"a" * (BIG - 30) + b'"}',
    "error": b'{"error":"' + b"a" * (BIG - 30) + b'"}',
    "error in words": b'{"error":"' + b"a b " * (BIG // 4 - 10) + b'"}',
    "scope": b'{"access_token":"a","scope":"' + b"a," * (BIG // 2 - 30) + b'"}',
    "blank scope": b'{"access_token":"a","scope":"' + b"," * (BIG - 60) + b'x"}',
    "digits": b'{"access_token":"a","expires_in":' + b"9" * (BIG - 60) + b"}",
    "digits in text": b'{"access_token":"a","expires_in":"' + b"9" * (BIG - 60) + b'"}',
    "blank digits": b'{"access_token":"a","expires_in":"' + b" " * (BIG - 60) + b'3x"}',
    "nested lists": b"[" * BIG,
    "nested objects": b'{"a":' * (BIG // 5),
    "closed nest": b'{"access_token":"a","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "many members": b"{" + b",".join(b'"%d":0' % number for number in range(6_500)) + b"}",
    "escapes": b'{"error":"' + b"\\u4e2d" * 10_000 + b'"}',
    "blanks": b" " * BIG,
    "page": b"<html>" + b"too  many" * 7_000,
    "not utf-8": b"\xff" * BIG,
    "beyond the cap": b'{"access_token":"' + b"a" * 4_000_000 + b'"}',
}


@pytest.mark.parametrize("name", LARGE_BODIES)
def test_the_largest_answers_take_little_time_and_memory(name):
    body = LARGE_BODIES[name]
    check(read_token_response, body, 200, None)

    elapsed = []
    for _ in range(3):
        started = time.perf_counter()
        check(read_token_response, body, 200, None)
        elapsed.append(time.perf_counter() - started)
    tracemalloc.start()
    check(read_token_response, body, 200, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert min(elapsed) < 0.05
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("name", ["nested lists", "not utf-8", "beyond the cap"])
def test_a_reader_that_trusts_the_wire_does_not_survive_the_largest_answers(name):
    with pytest.raises((RecursionError, ValueError, KeyError)):
        check(trusting_reader, LARGE_BODIES[name], 200, None)


def test_memory_does_not_grow_with_the_number_of_answers():
    run(read_token_response, 500)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    run(read_token_response, count(5_000))

    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1024 * 1024
