"""How long a failure stands, and for which credential."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, NOW
from zoho_oauth import Secret
from zoho_oauth._documents import RefreshTokenGrant
from zoho_oauth._failures import KINDS
from zoho_oauth._ledger import credential, standing_failure

from .ledgers import EMPTY, failure, glance, token


class TestStandingFailure:
    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_it_stands_until_its_time_and_not_longer(self, kind):
        wait = None if kind == "grant" else 30.0
        document = evolve(EMPTY, failure=failure(kind, wait=wait))

        assert standing_failure(document, "same", glance(document)) is document.failure
        assert standing_failure(document, "same", glance(document, wall=NOW + 29.99)) is document.failure
        at_last = standing_failure(document, "same", glance(document, wall=NOW + 30))
        assert at_last is (document.failure if kind == "grant" else None)

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"grant"}))
    @pytest.mark.parametrize(
        "at", [NOW - 86_400 * 365, NOW, NOW + 86_400 * 365], ids=["past", "now", "future"]
    )
    def test_it_never_stands_longer_from_first_sight_than_its_kind_allows(self, kind, at):
        document = evolve(EMPTY, failure=failure(kind, at=at, wait=86_400 * 1000))
        longest = KINDS[kind].longest
        first = glance(document)

        later = glance(document, wall=NOW + longest, monotonic=longest, before=first.first)
        assert standing_failure(document, "same", later) is None
        # Also where the wall clock stands still, or was turned back meanwhile.
        stopped = glance(document, wall=NOW - 86_400, monotonic=longest, before=first.first)
        assert standing_failure(document, "same", stopped) is None

    @EXAMPLES
    @given(st.sampled_from(sorted(set(KINDS) - {"grant"})), st.floats(0.1, 3600), st.floats(-1e6, 1e6))
    def test_at_its_retry_at_a_request_is_allowed(self, kind, wait, moment):
        assume(wait <= KINDS[kind].longest)
        at = NOW + moment
        document = evolve(EMPTY, failure=failure(kind, at=at, wait=wait))

        assert standing_failure(document, "same", glance(document, wall=at + wait)) is None
        assert standing_failure(document, "same", glance(document, wall=at + wait - 1e-3)) is not None

    def test_a_dead_grant_stands_for_years(self):
        document = evolve(EMPTY, failure=failure("grant", wait=None))
        first = glance(document)
        later = glance(document, wall=NOW + 1e9, monotonic=1e9, before=first.first)

        assert standing_failure(document, "same", later) is document.failure

    def test_any_other_credential_clears_it(self):
        document = evolve(EMPTY, failure=failure("grant", wait=None))

        assert standing_failure(document, "another", glance(document)) is None

    def test_there_may_be_none(self):
        assert standing_failure(EMPTY, "same", glance(EMPTY)) is None


class TestCredential:
    def of(
        self, document=EMPTY, *, client_id="1000.CLIENT", secret="hush", accounts="https://accounts.zoho.com"
    ):
        wrapped = None if secret is None else Secret(secret)
        return credential(document, client_id=client_id, client_secret=wrapped, accounts=accounts)

    def test_it_changes_with_everything_a_request_proves_itself_with(self):
        other_grant = evolve(EMPTY, grant=RefreshTokenGrant(Secret("1000.fake-refresh-2")))
        names = {
            self.of(),
            self.of(other_grant),
            self.of(evolve(EMPTY, data_center="eu")),
            self.of(client_id="1000.OTHER"),
            self.of(secret="other"),
            self.of(secret=None),
            self.of(accounts="https://accounts.zoho.eu"),
        }

        assert len(names) == 7

    def test_it_changes_with_nothing_else(self):
        busy = evolve(EMPTY, generation=7, token=token(), failure=failure(), seeds=("x",))

        assert self.of(busy) == self.of()

    def test_parts_cannot_be_moved_from_one_to_the_next(self):
        assert self.of(client_id="ab", secret="c") != self.of(client_id="a", secret="bc")

    def test_it_gives_nothing_away(self):
        assert "hush" not in self.of()
        assert len(self.of()) == 16
