"""The client as the API console knows it."""

from __future__ import annotations

import pytest
from attrs.exceptions import FrozenInstanceError

from zoho_oauth import ClientRegistration, DataCenter, Secret, errors

HERE = DataCenter(code="here", accounts="http://localhost:8000", api="http://localhost:8000")


def test_it_takes_texts_and_keeps_secrets():
    registration = ClientRegistration("1000.CLIENT", "hush", data_center="eu")

    assert registration.client_id == "1000.CLIENT"
    assert registration.client_secret == Secret("hush")
    assert registration.data_center is DataCenter.get("eu")
    assert registration.redirect_uri is None


def test_it_takes_a_secret_that_is_wrapped_already():
    secret = Secret("hush")

    assert ClientRegistration("1000.CLIENT", secret).client_secret is secret


def test_without_a_data_center_consent_begins_in_the_us():
    assert ClientRegistration("1000.CLIENT").data_center is DataCenter.get("us")


def test_blanks_around_a_pasted_client_id_are_dropped():
    assert ClientRegistration(" 1000.CLIENT\n").client_id == "1000.CLIENT"


@pytest.mark.parametrize("client_id", ["", " ", "\n\t"])
def test_an_empty_client_id_is_refused(client_id):
    with pytest.raises(errors.ConfigurationError, match="empty"):
        ClientRegistration(client_id)


@pytest.mark.parametrize("client_id", ["1000.\u00c9", "1000.\ud800", "1000.A\nB", "1000.\x00"])
def test_a_client_id_that_is_no_printable_ascii_is_refused(client_id):
    with pytest.raises(errors.ConfigurationError):
        ClientRegistration(client_id)


@pytest.mark.parametrize("data_center", ["zz", "", "https://accounts.zoho.eu"])
def test_an_unknown_data_center_is_refused(data_center):
    with pytest.raises(errors.ConfigurationError):
        ClientRegistration("1000.CLIENT", data_center=data_center)


class TestSecrets:
    registration = ClientRegistration("1000.CLIENT", "everywhere", secrets={"eu": "in-eu"})

    def test_a_data_center_has_its_own_or_the_common_one(self):
        assert self.registration.secret_for(DataCenter.get("eu")) == Secret("in-eu")
        assert self.registration.secret_for(DataCenter.get("in")) == Secret("everywhere")

    def test_there_may_be_none(self):
        assert ClientRegistration("1000.CLIENT").secret_for(DataCenter.get("us")) is None

    def test_one_for_a_data_center_that_does_not_exist_is_refused(self):
        with pytest.raises(errors.ConfigurationError):
            ClientRegistration("1000.CLIENT", secrets={"zz": "hush"})

    def test_none_is_shown(self):
        for shown in (repr(self.registration), str(self.registration), f"{self.registration!r}"):
            assert "everywhere" not in shown
            assert "in-eu" not in shown

    def test_none_is_in_the_error_for_another_argument(self):
        with pytest.raises(errors.ConfigurationError) as caught:
            ClientRegistration("1000.CLIENT", "hush-hush", data_center="zz")
        assert "hush-hush" not in repr(vars(caught.value))


def test_its_own_data_center_is_found_by_code():
    assert ClientRegistration("1000.CLIENT", data_center=HERE).data_center_of("here") is HERE
    assert ClientRegistration("1000.CLIENT", data_center=HERE).data_center_of("eu") is DataCenter.get("eu")


def test_it_is_a_value():
    one, same = (ClientRegistration("1000.CLIENT", "hush", secrets={"eu": "x"}) for _ in range(2))

    assert one == same
    assert hash(one) == hash(same)
    assert one != ClientRegistration("1000.CLIENT", "other")
    with pytest.raises(FrozenInstanceError):
        one.client_id = "another"
