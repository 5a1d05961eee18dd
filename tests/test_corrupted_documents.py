"""What cannot be read is refused, and what is stored can be read."""

from __future__ import annotations

import json

import pytest

from zoho_oauth import ClientRegistration, TokenEndpoint, ZohoOAuth, errors
from zoho_oauth._documents import LONGEST_TEXT, write_document
from zoho_oauth.testing import FakeZoho, answers

from .stored_documents import CLIENT, WHOLE, changed, changed_inside, read


def with_reservation(**members):
    return changed(reservations=[{**json.loads(write_document(WHOLE))["reservations"][0], **members}])


WRONG = {
    "no object": ("[]", "null", "1", '"text"', "", " ", "{}", "{", "\x00", "NaN", "nul", "Infinity"),
    "client_id": tuple(changed(client_id=each) for each in (None, 1, [], "\ud800")),
    "owner": tuple(changed(owner=each) for each in (None, 1, True, "\udfff")),
    "data_center": tuple(changed(data_center=each) for each in (None, 1, {})),
    "grant": (
        *(changed(grant=each) for each in (1, "1000.fake-refresh-1", [], {}, {"type": 1})),
        *(changed_inside("grant", refresh_token=each) for each in (None, "", 1, "\ud800")),
    ),
    "token": (
        *(changed(token=each) for each in (1, "1000.fake-access-1", [], {})),
        *(changed_inside("token", access_token=each) for each in (None, "", 1, "\ud800")),
        *(changed_inside("token", expires_at=each) for each in (None, "1", True, 0, 1e300)),
        *(changed_inside("token", minted_at=each) for each in (None, "1", 0, -1e300, 1_800_003_600.25)),
        *(changed_inside("token", generation=each) for each in (None, -1, 1.5, "1", True, 2**63)),
        *(changed_inside("token", scope=each) for each in (1, [], True)),
        *(changed_inside("token", api_domain=each) for each in (1, [])),
    ),
    "generation": tuple(changed(generation=each) for each in (None, -1, 1.5, "1", True, 2**63)),
    "reservations": (
        *(changed(reservations=each) for each in (None, {}, "", [1], [None], [[]])),
        *(with_reservation(generation=each) for each in (None, -1, "1")),
        *(with_reservation(at=each) for each in (None, "1", True, 1e15)),
        *(with_reservation(holder=each) for each in (None, 1)),
        *(with_reservation(cause=each) for each in (None, 1)),
        *(with_reservation(open=each) for each in (None, 0, 1, "true")),
    ),
    "failure": (
        *(changed(failure=each) for each in (1, [], {}, "throttled")),
        *(changed_inside("failure", kind=each) for each in (None, "unheard-of", 1)),
        *(changed_inside("failure", until=each) for each in ("1", True, -1e15)),
        *(changed_inside("failure", credential=each) for each in (None, 1)),
        *(changed_inside("failure", strikes=each) for each in (None, -1, 1.5)),
        *(changed_inside("failure", code=each) for each in (1, [])),
    ),
    "seeds": tuple(changed(seeds=each) for each in (None, {}, "", [1], [None])),
    "revoking": tuple(changed(revoking=each) for each in (None, 0, "false")),
    "numbers": (
        changed().replace("1800000000.25", "NaN"),
        changed().replace("1800000000.25", "Infinity"),
        changed().replace("1800000000.25", "1e999"),
        changed().replace("1800000000.25", "1" * 5000),
    ),
    "size": ("[" * 100_000, '{"a":' * 50_000, " " * (LONGEST_TEXT + 1), changed(x="a" * LONGEST_TEXT)),
}
#: A header value takes none of these; h11 and httpx repeat the whole token in their errors.
NO_HEADER_VALUES = (
    "1000.fake-access-1\n",
    "1000.fake\r\nX-Evil: 1",
    "1000.fake-acc\u00e9s",
    "1000.fake ",
    " ",
    "a\x00",
    "a\x7f",
)


class TestCorrupted:
    @pytest.mark.parametrize(
        "text", [each for texts in WRONG.values() for each in texts], ids=lambda text: text[-24:].strip()
    )
    def test_a_wrong_shape_is_corruption(self, text):
        with pytest.raises(errors.StoreCorrupted) as caught:
            read(text)
        assert type(caught.value) is errors.StoreCorrupted
        assert caught.value.__cause__ is caught.value.__context__ is None

    @pytest.mark.parametrize("text", NO_HEADER_VALUES)
    def test_an_access_token_that_no_header_can_carry_is_corruption(self, text):
        with pytest.raises(errors.StoreCorrupted):
            read(changed_inside("token", access_token=text))

    def test_every_truncation_is_corruption(self):
        text = write_document(WHOLE)

        for length in range(len(text)):
            with pytest.raises(errors.StoreCorrupted):
                read(text[:length])

    def test_every_missing_member_is_corruption_or_means_none(self):
        members = json.loads(write_document(WHOLE))
        optional = {"grant", "token", "failure"}

        for name in members:
            text = json.dumps({key: value for key, value in members.items() if key != name})
            if name in optional:
                assert getattr(read(text), name) is None
            else:
                with pytest.raises(errors.StoreCorrupted):
                    read(text)

    def test_the_error_says_that_the_record_was_left_alone(self):
        with pytest.raises(errors.StoreCorrupted, match="left as it is"):
            read("{")


@pytest.mark.anyio
class TestWhatIsStoredCanBeRead:
    """A record that cannot be read back locks its owner out: not even `adopt` would touch it."""

    async def test_an_empty_refresh_token_is_not_stored(self, anyio_backend):
        for text in ("", "  ", "\n"):
            with pytest.raises(errors.ConfigurationError):
                await ZohoOAuth(ClientRegistration(CLIENT)).adopt(text, verify=False)

    async def test_a_refresh_token_that_is_no_text_is_not_stored(self, anyio_backend):
        with pytest.raises(errors.ConfigurationError) as caught:
            await ZohoOAuth(ClientRegistration(CLIENT)).adopt("1000.fake\ud800", verify=False)
        assert "fake" not in str(caught.value)

    @pytest.mark.parametrize("owner", [42, None, b"owner", "\ud800"])
    async def test_an_owner_that_is_no_text_is_refused(self, anyio_backend, owner):
        with pytest.raises(errors.ConfigurationError):
            await ZohoOAuth(ClientRegistration(CLIENT)).adopt("1000.fake-refresh-1", owner, verify=False)

    @pytest.mark.parametrize("life", ["1e-9", "0.4e-7", "0.5"])
    async def test_a_life_too_short_for_a_clock_is_no_token(self, anyio_backend, life):
        fake = FakeZoho("eu")
        registration = fake.register_client()
        zoho = ZohoOAuth(registration, clock=fake.clock, endpoint=TokenEndpoint(transport=fake.transport))
        refresh_token = fake.consent(registration)
        await zoho.adopt(refresh_token, verify=False)
        body = b'{"access_token":"1000.fake-access-x","expires_in":%s}' % life.encode()
        fake.fail_next(answers.Answer(200, body))

        with pytest.raises(errors.MalformedTokenResponse):
            await zoho.source().token()
        fake.clock.advance(61)
        assert (await zoho.source().token()).life == 3600
