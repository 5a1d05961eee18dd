"""Whatever a store hands back: a document or a typed error, soon, and nothing of the text in it."""

from __future__ import annotations

import json
import random
import time
import traceback
import tracemalloc

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.scale import count
from tests.stored_documents import CLIENT, MINIMAL, WHOLE
from tests.strategies import EXAMPLES, SEED
from zoho_oauth import Record, Secret, Token, errors
from zoho_oauth._documents import Document, RefreshTokenGrant, read_document, write_document

CANARY = "canary-7f3a"
CANARIES = evolve(
    WHOLE,
    grant=RefreshTokenGrant(Secret(f"1000.{CANARY}-refresh")),
    token=evolve(WHOLE.token, access_token=Secret(f"1000.{CANARY}-access"), scope=f"{CANARY}.scope"),
    failure=evolve(WHOLE.failure, code=f"{CANARY} code", detail=f"{CANARY} detail"),
)
TEXTS = (
    write_document(CANARIES),
    write_document(evolve(CANARIES, token=None, failure=None)),
    write_document(evolve(CANARIES, owner="another")),
    write_document(evolve(CANARIES, client_id="another")),
    json.dumps({**json.loads(write_document(CANARIES)), "version": 2}),
    json.dumps({**json.loads(write_document(CANARIES)), "grant": {"type": "later", "secret": CANARY}}),
    json.dumps(json.loads(write_document(CANARIES)), indent=1),
)
FRAGMENTS = (
    *(
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        ",",
        "\\",
        "\\u0000",
        "\\ud800",
        "\ud800",
        "\x00",
        "\ufeff",
        "null",
        "true",
    ),
    *(
        "-1",
        "0",
        "1e999",
        "NaN",
        "Infinity",
        "9" * 5000,
        "[" * 3000,
        '"version":2',
        '"version":1',
        '"format":"x"',
    ),
    *(
        '"type":"later"',
        '"access_token":',
        '"grant":null',
        '"owner":"',
        CANARY,
        f'"{CANARY}"',
        "1000.",
        "\u00e9",
    ),
)
TYPED = (errors.StoreCorrupted, errors.ForeignDocument, errors.DocumentTooNew)


def mutated(source: random.Random) -> str:
    text = source.choice(TEXTS)
    for _ in range(source.randint(0, 3)):
        at = source.randint(0, len(text))
        until = min(len(text), at + source.choice((0, 0, 1, 2, 8, 40)))
        inserted = source.choice(("", source.choice(FRAGMENTS), chr(source.randrange(0x110000))))
        text = text[:at] + inserted + text[until:]
    return text


class Hidden:
    """Keeps the text out of this file's own frames."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_with(self, reader):
        return reader(Record(self.text, "1"), client_id=CLIENT, owner=WHOLE.owner)


def shown_by(error: BaseException) -> str:
    """All that a reporter could get out of an exception."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain = [error, error.__cause__, error.__context__]
    facts = [(str(each), repr(each), each.args, vars(each)) for each in chain if each is not None]
    return "".join(frames.format()) + repr(facts)


def check(reader, hidden: Hidden) -> str:
    """What must hold for every text there can be; names what was found."""
    try:
        found = hidden.read_with(reader)
    except TYPED as error:
        found = error
    if isinstance(found, Exception):
        assert CANARY not in shown_by(found)
        assert found.__cause__ is found.__context__ is None
        assert found.owner == WHOLE.owner
        return type(found).__name__
    assert isinstance(found, Document)
    assert (found.client_id, found.owner) == (CLIENT, WHOLE.owner)
    if found.token is not None:
        assert isinstance(found.token, Token)
        found.token.access_token.reveal().encode("ascii")
        assert found.token.grant == found.lineage
        assert 0 < found.token.life < 86_402
    assert read_document(Record(write_document(found), "1"), client_id=CLIENT, owner=WHOLE.owner) == found
    return "document"


def trusting_reader(record, *, client_id, owner):
    """What one writes at first."""
    members = json.loads(record.text)
    return evolve(
        MINIMAL, client_id=members["client_id"], owner=members["owner"], generation=members["generation"]
    )


def run(reader, cases: int) -> dict[str, int]:
    source = random.Random(SEED)
    found: dict[str, int] = {}
    for _ in range(cases):
        name = check(reader, Hidden(mutated(source)))
        found[name] = found.get(name, 0) + 1
    return found


def test_mutations_of_documents_are_a_document_or_a_typed_error():
    cases = count(25_000)

    found = run(read_document, cases)

    assert sum(found.values()) == cases
    # The mutations reach every branch, not just "corrupted".
    assert set(found) == {"document", "StoreCorrupted", "ForeignDocument", "DocumentTooNew"}
    assert min(found.values()) > cases / 50


def test_a_reader_that_trusts_the_store_does_not_survive_the_same_mutations():
    with pytest.raises((KeyError, ValueError, AssertionError)):
        run(trusting_reader, 100)


@pytest.mark.parametrize("text", [TEXTS[0][:-1], TEXTS[0] + "x"])
def test_a_json_error_would_have_shown_the_text(text):
    """The control of `shown_by`: what `json` raises holds the whole document."""
    with pytest.raises(ValueError) as caught:
        json.loads(text)

    assert CANARY in shown_by(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WHOLE_MEMBERS = json.loads(TEXTS[0])
MEMBERS = st.dictionaries(st.sampled_from(sorted(WHOLE_MEMBERS)), JSON, max_size=3)
INNER = st.sampled_from(("grant", "token", "failure"))


def any_text(reader):
    @EXAMPLES
    @given(MEMBERS.map(lambda some: json.dumps({**WHOLE_MEMBERS, **some})) | JSON.map(json.dumps) | st.text())
    def examples(text):
        check(reader, Hidden(text))

    examples()


def test_any_json_and_any_text_is_a_document_or_a_typed_error():
    any_text(read_document)


def test_a_reader_that_trusts_the_store_does_not_survive_the_same_examples():
    with pytest.raises(BaseException):  # noqa: B017 (an ExceptionGroup of many kinds)
        any_text(trusting_reader)


@EXAMPLES
@given(INNER, st.data())
def test_any_value_inside_a_member_is_a_document_or_a_typed_error(name, data):
    inner = {**WHOLE_MEMBERS[name], data.draw(st.sampled_from(sorted(WHOLE_MEMBERS[name]))): data.draw(JSON)}

    check(read_document, Hidden(json.dumps({**WHOLE_MEMBERS, name: inner})))


BIG = 65_536
RESERVATION = json.dumps(WHOLE_MEMBERS["reservations"][0])


def with_member(name: str, written: str) -> str:
    return json.dumps({**WHOLE_MEMBERS, name: "PLACE"}).replace('"PLACE"', written)


LARGE = {
    "nested lists": "[" * BIG,
    "nested objects": '{"a":' * (BIG // 5),
    "closed nest": with_member("x", "[" * 30_000 + "]" * 30_000),
    "blanks": " " * BIG,
    "digits": with_member("generation", "9" * (BIG - 2000)),
    "seeds": with_member("seeds", "[" + ",".join(['"00000000000000aa"'] * 3_000) + "]"),
    "reservations": with_member("reservations", "[" + ",".join([RESERVATION] * 500) + "]"),
    "long token": with_member("token", json.dumps({**WHOLE_MEMBERS["token"], "access_token": "a" * 60_000})),
    "long scope": with_member("token", json.dumps({**WHOLE_MEMBERS["token"], "scope": "a" * 60_000})),
    "many members": "{" + ",".join(f'"{number}":0' for number in range(6_500)) + "}",
    "escapes": '{"format":"' + "\\u4e2d" * 10_000 + '"}',
    "surrogates": '{"format":"' + "\\ud800" * 10_000 + '"}',
    "beyond the cap": "[" * 4_000_000,
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_texts_take_little_time_and_memory(name):
    hidden = Hidden(LARGE[name])
    check(read_document, hidden)

    elapsed = []
    for _ in range(3):
        started = time.perf_counter()
        with_outcome(hidden)
        elapsed.append(time.perf_counter() - started)
    tracemalloc.start()
    with_outcome(hidden)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert min(elapsed) < 0.05
    assert peak < 8 * 1024 * 1024


def with_outcome(hidden: Hidden) -> object:
    try:
        return hidden.read_with(read_document)
    except TYPED as error:
        return type(error)


def test_memory_does_not_grow_with_the_number_of_texts():
    run(read_document, 300)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    run(read_document, count(1_000))

    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1024 * 1024
