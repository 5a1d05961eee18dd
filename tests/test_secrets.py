"""Nothing public shows a secret, whoever asks and however."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import traceback

import attrs
import pytest
from hypothesis import given

from tests.stored_documents import WHOLE
from tests.strategies import EXAMPLES, TEXTS
from zoho_oauth import (
    ClientRegistration,
    DataCenter,
    FileStore,
    MemoryStore,
    Record,
    RefreshPolicy,
    Secret,
    Token,
    TokenEndpoint,
    ZohoAuth,
    ZohoOAuth,
    errors,
    httpx2,
)
from zoho_oauth._documents import RefreshTokenGrant, Seed, write_document
from zoho_oauth._held import Held, Remembered
from zoho_oauth._messages import Granted, TokenRequest, TokenResponse, refresh_request
from zoho_oauth._records import Stored, Version
from zoho_oauth._secrets import fingerprint
from zoho_oauth.testing import FakeZoho, ManualClock

CANARY = "canary-91c4"
HUSH = Secret(f"1000.{CANARY}")
TOKEN = Token(
    access_token=HUSH, refresh_token=HUSH, expires_at=3600.0, minted_at=0.0, data_center="us", grant="0" * 16
)
REGISTRATION = ClientRegistration("1000.CLIENT", CANARY, secrets={"eu": CANARY})
DOCUMENT = attrs.evolve(WHOLE, grant=RefreshTokenGrant(HUSH), token=attrs.evolve(TOKEN, refresh_token=None))
RECORD = Record(write_document(DOCUMENT), "1")
REQUEST = refresh_request(
    client_id="1000.CLIENT", client_secret=HUSH, refresh_token=HUSH, data_center=DataCenter.get("us")
)
RESPONSE = TokenResponse(status=200, body=CANARY.encode(), retry_after=CANARY)
ZOHO = ZohoOAuth(REGISTRATION)
AUTHS = {
    "ZohoAuth": ZohoAuth.from_refresh_token(client_id="1000.C", client_secret=CANARY, refresh_token=CANARY),
    "httpx2.ZohoAuth": httpx2.ZohoAuth.from_refresh_token(
        client_id="1000.C", client_secret=CANARY, refresh_token=CANARY
    ),
}
HOLDERS = {
    "Secret": HUSH,
    "Token": TOKEN,
    "ClientRegistration": REGISTRATION,
    "Document": DOCUMENT,
    "Grant": RefreshTokenGrant(HUSH),
    "Seed": Seed(RefreshTokenGrant(HUSH), "us"),
    "Record": RECORD,
    "TokenRequest": REQUEST,
    "TokenResponse": RESPONSE,
    "Granted": Granted(access_token=HUSH, expires_in=3600.0, refresh_token=HUSH),
    "Held": Held(TOKEN, policy=RefreshPolicy(), jitter=0.0, shift=0.0),
    "Remembered": Remembered(errors.NotConnected("Nothing is stored."), cause="expired", at=0.0),
    "Stored": Stored(DOCUMENT, Version("1")),
    "ZohoOAuth": ZOHO,
    "TokenSource": ZOHO.source(),
    "Setup": ZOHO.source().setup,
    "Flow": ZOHO.auth()._flow,
    "TokenEndpoint": TokenEndpoint(proxy=f"http://user:{CANARY}@localhost:1"),
    **AUTHS,
}
WAYS = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda value: f"{value!r:>9} {value!s} {value}",
    "percent": lambda value: "%r %s" % (value, value),  # noqa: UP031
    "in a list": lambda value: str([value, {"key": value}, (value,)]),
    "pprint": pprint.pformat,
    "vars": lambda value: repr(vars(value)) if hasattr(value, "__dict__") else "",
    "slots": lambda value: (
        repr([getattr(value, name, None) for name in getattr(type(value), "__slots__", ())])
        if not isinstance(value, Secret | Record | TokenResponse)
        else ""
    ),
    "log": lambda value: logged(value),
    "exception": lambda value: raised(value),
}


def logged(value) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    handler.handle(logging.LogRecord("x", logging.DEBUG, "", 1, "%r and %s", (value, value), None))
    return stream.getvalue()


def raised(value) -> str:
    try:
        local = value
        raise ValueError(local)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", HOLDERS)
def test_no_secret_is_shown(name, way):
    assert CANARY not in WAYS[way](HOLDERS[name])


@pytest.mark.parametrize("way", WAYS)
def test_each_way_shows_a_secret_that_is_not_wrapped(way):
    """The control of the above."""

    class Bare:
        def __init__(self) -> None:
            self.access_token = CANARY

        def __repr__(self) -> str:
            return f"Bare({self.access_token})"

    class Slotted(Bare):
        __slots__ = ("access_token",)

    assert CANARY in WAYS[way](Slotted() if way == "slots" else Bare())


#: They are what a store and the wire are given; only their repr can be without secrets.
IN_CLEAR = {"Record", "TokenResponse"}


@pytest.mark.parametrize("name", [name for name, value in HOLDERS.items() if attrs.has(type(value))])
def test_asdict_shows_none_either(name):
    shown = repr(attrs.asdict(HOLDERS[name])) + repr(attrs.astuple(HOLDERS[name]))

    assert (CANARY in shown) == (name in IN_CLEAR)


@pytest.mark.parametrize("name", sorted(set(HOLDERS) - IN_CLEAR - {"Remembered", "TokenEndpoint"}))
def test_what_holds_a_secret_is_not_pickled(name):
    with pytest.raises(TypeError):
        pickle.dumps(HOLDERS[name])


@pytest.mark.parametrize(
    "name", ["Secret", "Token", "ClientRegistration", "Document", "TokenRequest", "Granted"]
)
def test_what_holds_a_secret_is_not_copied_deep(name):
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(HOLDERS[name])


@pytest.mark.parametrize("name", HOLDERS)
def test_nothing_that_holds_a_secret_becomes_json(name):
    with pytest.raises(TypeError):
        json.dumps(HOLDERS[name])


async def keep(store: MemoryStore) -> MemoryStore:
    await store.save("owner", CANARY, replacing=None)
    return store


@pytest.mark.anyio
async def test_a_memory_store_neither_shows_nor_pickles_its_texts(anyio_backend):
    store = await keep(MemoryStore())

    assert CANARY not in repr(store) + repr(vars(store))
    with pytest.raises(TypeError):
        pickle.dumps(store)


def test_a_file_store_pickles_its_directory_only(tmp_path):
    store = FileStore(tmp_path / "tokens")

    assert repr(pickle.loads(pickle.dumps(store))) == repr(store)


def test_a_registration_without_a_secret_is_pickled():
    registration = ClientRegistration("1000.CLIENT")

    assert pickle.loads(pickle.dumps(registration)) == registration


def test_the_fake_does_not_show_the_secrets_of_its_clients():
    fake = FakeZoho("eu", clock=ManualClock())
    registration = fake.register_client(client_secret=CANARY)
    refresh_token = fake.consent(registration)
    fake.mint(refresh_token)

    shown = repr(fake) + repr(registration) + repr(fake.requests) + repr(fake.token_request_log)
    assert CANARY not in shown
    assert refresh_token not in shown


class TestSecret:
    def test_it_reveals_what_it_was_given(self):
        assert HUSH.reveal() == f"1000.{CANARY}"

    def test_it_shows_eight_digits_to_recognise_it_by(self):
        assert repr(HUSH) == str(HUSH) == f"Secret(<{HUSH.fingerprint}>)"
        assert len(HUSH.fingerprint) == 8
        assert HUSH.fingerprint == fingerprint(HUSH.reveal())[:8]

    def test_it_has_no_other_attributes(self):
        with pytest.raises(AttributeError):
            HUSH.note = "x"
        assert not hasattr(HUSH, "__dict__")

    @EXAMPLES
    @given(TEXTS, TEXTS)
    def test_two_are_equal_if_their_texts_are(self, one, other):
        assert (Secret(one) == Secret(other)) == (one == other)
        assert hash(Secret(one)) == hash(Secret(str(one)))

    def test_it_equals_no_text(self):
        assert HUSH.reveal() != HUSH
        assert HUSH.reveal() not in {HUSH}

    def test_any_text_can_be_compared(self):
        assert Secret("\ud800") == Secret("\ud800")
        assert Secret("\u00e9") != Secret("e\u0301")

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_no_pickle_protocol_takes_it(self, protocol):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(HUSH, protocol)

    def test_it_is_not_copied(self):
        for copied in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                copied(HUSH)

    def test_the_parts_of_a_fingerprint_cannot_be_moved(self):
        assert fingerprint("ab", "c") != fingerprint("a", "bc") != fingerprint("abc")


class TestTokenRequest:
    def test_its_body_is_the_only_place_with_secrets(self):
        assert CANARY.encode() in REQUEST.body()
        assert CANARY not in REQUEST.url
        assert isinstance(REQUEST, TokenRequest)
