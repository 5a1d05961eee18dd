"""What is stored for an owner, as text and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given

from tests.strategies import EXAMPLES, documents
from zoho_oauth import ClientRegistration, Record, Secret, Token, TokenEndpoint, ZohoOAuth, errors
from zoho_oauth._documents import (
    LONGEST_TEXT,
    VERSION,
    Document,
    RefreshTokenGrant,
    Reservation,
    Seed,
    grant_fingerprint,
    read_document,
    with_seed,
    write_document,
)
from zoho_oauth._failures import Failure
from zoho_oauth.testing import FakeZoho, answers

GOLDEN = Path(__file__).parent / "golden"
CLIENT = "1000.CLIENT"
GRANT = RefreshTokenGrant(Secret("1000.fake-refresh-1"))
LINEAGE = grant_fingerprint(GRANT, "eu")

#: The value that tests/golden/document_v1.json is the text of.
WHOLE = Document(
    client_id=CLIENT,
    owner="customer-42 \u00fc",
    data_center="eu",
    grant=GRANT,
    token=Token(
        access_token=Secret("1000.fake-access-1"),
        minted_at=1_800_000_000.25,
        expires_at=1_800_003_600.25,
        data_center="eu",
        scope="ZohoCRM.modules.ALL ZohoCRM.settings.READ",
        api_domain="https://www.zohoapis.eu",
        generation=6,
        grant=LINEAGE,
    ),
    generation=7,
    reservations=(
        Reservation(
            generation=6,
            at=1_800_000_000.5,
            holder="0123456789ab-1",
            cause="expired",
            is_open=False,
            clock=1_799_990_000.5,
        ),
        Reservation(generation=7, at=1_800_000_300.0, holder="0123456789ab-2", cause="early"),
    ),
    failure=Failure(
        kind="throttled",
        at=1_800_000_200.0,
        until=1_800_000_800.0,
        credential="00000000000000aa",
        code="Access Denied",
        detail="Status 429.",
        strikes=2,
    ),
    seeds=(LINEAGE, "00000000000000bb"),
)
MINIMAL = Document(client_id=CLIENT, owner="owner", data_center="eu", grant=None)


def read(text, *, client_id=CLIENT, owner=WHOLE.owner):
    return read_document(Record(text, "1"), client_id=client_id, owner=owner)


def changed(**members):
    """The whole document as text, with some members of it replaced."""
    return json.dumps({**json.loads(write_document(WHOLE)), **members})


def changed_inside(name, **members):
    return changed(**{name: {**json.loads(write_document(WHOLE))[name], **members}})


def with_reservation(**members):
    return changed(reservations=[{**json.loads(write_document(WHOLE))["reservations"][0], **members}])


class TestRoundTrip:
    @EXAMPLES
    @given(documents())
    def test_every_document_comes_back_as_it_was(self, document):
        text = write_document(document)

        assert read(text, client_id=document.client_id, owner=document.owner) == document
        assert write_document(read(text, client_id=document.client_id, owner=document.owner)) == text

    @EXAMPLES
    @given(documents())
    def test_the_text_is_one_line_of_ascii(self, document):
        text = write_document(document)

        assert text.isascii()
        assert text.isprintable()
        assert len(text) < LONGEST_TEXT

    def test_a_document_with_nothing_in_it_comes_back(self):
        assert read(write_document(MINIMAL), owner="owner") == MINIMAL

    def test_a_token_without_its_grant_is_not_taken(self):
        assert read(changed(grant=None)).token is None

    def test_the_grant_of_the_token_is_the_document_s(self):
        assert read(changed(data_center="us")).token.grant == grant_fingerprint(GRANT, "us")

    def test_members_that_are_not_known_are_skipped(self):
        assert read(changed(colour="blue")) == WHOLE


class TestVersions:
    def test_the_text_of_version_1_is_what_it_was(self):
        assert write_document(WHOLE) == (GOLDEN / "document_v1.json").read_text().strip()

    @pytest.mark.parametrize("file", sorted(GOLDEN.glob("document_v*.json")), ids=lambda file: file.stem)
    def test_every_version_that_was_ever_written_is_read(self, file):
        document = read(file.read_text())

        assert document.grant == GRANT
        assert document == WHOLE

    def test_there_is_a_golden_file_for_each_version(self):
        assert [file.stem for file in sorted(GOLDEN.glob("document_v*.json"))] == [
            f"document_v{version}" for version in range(1, VERSION + 1)
        ]

    @pytest.mark.parametrize("version", [VERSION + 1, VERSION + 1000, 2**62])
    def test_a_newer_version_is_refused_whatever_else_is_in_it(self, version):
        for text in (changed(version=version), json.dumps({"format": "zoho_oauth", "version": version})):
            with pytest.raises(errors.DocumentTooNew) as caught:
                read(text)
            assert caught.value.owner == WHOLE.owner

    @pytest.mark.parametrize("grant", [{"type": "device_code"}, {"type": "client_credentials", "soid": "1"}])
    def test_a_grant_of_a_type_that_came_later_is_refused_as_too_new(self, grant):
        with pytest.raises(errors.DocumentTooNew):
            read(changed(grant=grant))

    @pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None, 2**63])
    def test_what_was_never_a_version_is_corrupted(self, version):
        with pytest.raises(errors.StoreCorrupted):
            read(changed(version=version))

    @pytest.mark.parametrize("name", ["zoho-oauth", "", "another", None, 1])
    def test_the_json_of_another_program_is_not_taken_for_a_document(self, name):
        with pytest.raises(errors.StoreCorrupted):
            read(changed(format=name))


class TestForeign:
    def test_another_owner_s_document_is_refused(self):
        with pytest.raises(errors.ForeignDocument) as caught:
            read(write_document(WHOLE), owner="somebody-else")
        assert WHOLE.owner not in str(caught.value)

    def test_another_client_s_document_is_refused(self):
        with pytest.raises(errors.ForeignDocument):
            read(write_document(WHOLE), client_id="1000.OTHER")

    def test_it_can_be_caught_as_corruption(self):
        with pytest.raises(errors.StoreCorrupted):
            read(write_document(WHOLE), owner="somebody-else")


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


def seed(number=1, data_center="eu"):
    return Seed(RefreshTokenGrant(Secret(f"1000.fake-refresh-{number}")), data_center)


def planted(stored, planted_seed):
    return with_seed(stored, planted_seed, client_id=CLIENT, owner="owner")


def without_token_but(document, generation):
    return evolve(
        document,
        generation=generation,
        token=evolve(WHOLE.token, grant=document.lineage, generation=generation),
    )


class TestSeeds:
    def test_without_a_seed_nothing_changes(self):
        assert planted(None, None) is None
        assert planted(WHOLE, None) is WHOLE

    def test_a_seed_begins_a_document_where_there_is_none(self):
        begun = planted(None, seed())

        assert begun.lineage == seed().fingerprint
        assert begun.seeds == (seed().fingerprint,)
        assert (begun.token, begun.generation, begun.reservations) == (None, 0, ())

    def test_a_seed_that_was_met_changes_nothing(self):
        begun = planted(None, seed())

        assert planted(begun, seed()) is begun

    def test_another_seed_wins_once(self):
        begun = without_token_but(planted(None, seed(1)), 5)
        changed_to = planted(begun, seed(2))

        assert changed_to.lineage == seed(2).fingerprint
        assert changed_to.token is None
        assert changed_to.reservations == ()
        assert changed_to.generation == 5
        assert planted(changed_to, seed(2)) is changed_to

    def test_the_workers_of_a_rolling_deployment_do_not_take_turns(self):
        document = planted(None, seed(1))
        for _ in range(5):
            document = planted(planted(document, seed(2)), seed(1))

        assert document.lineage == seed(2).fingerprint

    def test_a_corrected_data_center_is_another_seed(self):
        document = planted(planted(None, seed(1, "us")), seed(1, "eu"))

        assert document.data_center == "eu"
        assert document.lineage == seed(1, "eu").fingerprint

    def test_a_seed_with_the_stored_grant_keeps_its_token(self):
        adopted = evolve(WHOLE, owner="owner", seeds=())
        met = planted(adopted, seed(1))

        assert met == evolve(adopted, seeds=(seed(1).fingerprint,))

    def test_a_grant_adopted_later_is_not_undone_by_the_old_environment(self):
        adopted = evolve(planted(None, seed(1)), grant=seed(9).grant)

        assert planted(adopted, seed(1)) is adopted

    def test_sixteen_seeds_are_remembered_and_the_oldest_is_forgotten(self):
        document = None
        for number in range(20):
            document = planted(document, seed(number))

        assert document.seeds == tuple(seed(number).fingerprint for number in range(4, 20))
        assert planted(document, seed(4)) is document
        assert planted(document, seed(3)).lineage == seed(3).fingerprint

    @pytest.mark.parametrize("change", [{"grant": None, "token": None}, {"is_revoking": True}])
    def test_a_met_seed_does_not_reconnect_after_a_revocation(self, change):
        revoked = evolve(planted(None, seed(1)), **change)

        assert planted(revoked, seed(1)) is revoked

    @pytest.mark.parametrize("change", [{"grant": None, "token": None}, {"is_revoking": True}])
    def test_another_seed_reconnects_after_a_revocation(self, change):
        revoked = evolve(planted(None, seed(1)), **change)
        again = planted(revoked, seed(2))

        assert again.lineage == seed(2).fingerprint
        assert again.is_revoking is False


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


class TestFingerprints:
    def test_grants_differ_by_token_and_by_data_center(self):
        names = {seed(1, "eu").fingerprint, seed(1, "us").fingerprint, seed(2, "eu").fingerprint}

        assert len(names) == 3

    def test_they_are_sixteen_hex_digits_and_nothing_of_the_token(self):
        name = seed(1).fingerprint

        assert len(name) == 16
        assert int(name, 16)

    def test_a_document_does_not_show_its_secrets(self):
        assert "fake" not in repr(WHOLE)
        assert "fake" not in repr(seed())
