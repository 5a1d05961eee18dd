"""A grant from the environment wins once, and what tells grants apart."""

from __future__ import annotations

import pytest
from attrs import evolve

from zoho_oauth import Secret
from zoho_oauth._documents import RefreshTokenGrant, Seed, with_seed

from .stored_documents import CLIENT, WHOLE


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
