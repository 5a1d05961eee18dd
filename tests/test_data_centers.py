import pickle

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus_urls import HOSTILE_URLS
from tests.scale import count
from zoho_oauth._data_centers import DataCenter, origin_of, url_of, why_foreign
from zoho_oauth.errors import ConfigurationError

from .url_verdicts import EU, URL_CLASSES, verdict

CODES = ("us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn", "ae", "sg")


# What why_foreign must not become.


def by_prefix(origin, *, userinfo, data_center, allowed):
    return None if url_of(origin).startswith(data_center.api) else "foreign"


def by_suffix(origin, *, userinfo, data_center, allowed):
    return None if origin[1].endswith(("zohoapis.eu", "zoho.eu")) else "foreign"


def without_userinfo(origin, *, userinfo, data_center, allowed):
    return why_foreign(origin, userinfo=False, data_center=data_center, allowed=allowed)


def without_scheme(origin, *, userinfo, data_center, allowed):
    return why_foreign(("https", *origin[1:]), userinfo=userinfo, data_center=data_center, allowed=allowed)


def without_port(origin, *, userinfo, data_center, allowed):
    return why_foreign((*origin[:2], None), userinfo=userinfo, data_center=data_center, allowed=allowed)


class TestHostileURLs:
    def test_there_are_at_least_sixty_of_them(self):
        assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 60

    @pytest.mark.parametrize("reader", URL_CLASSES)
    def test_none_gets_a_token(self, reader):
        assert [url for url in HOSTILE_URLS if verdict(url, reader) is None] == []

    @pytest.mark.parametrize("reader", URL_CLASSES)
    def test_none_gets_a_token_of_a_data_center_of_ones_own(self, reader):
        own = DataCenter(code="own", accounts="https://accounts.own.example", api="https://api.own.example")

        assert [url for url in HOSTILE_URLS if verdict(url, reader, data_center=own) is None] == []

    @pytest.mark.parametrize("reader", URL_CLASSES)
    @pytest.mark.parametrize("broken", [by_prefix, by_suffix, without_userinfo, without_scheme, without_port])
    def test_a_broken_check_lets_some_of_them_through(self, broken, reader):
        let_through = [url for url in HOSTILE_URLS if verdict(url, reader, check=broken) is None]

        assert let_through

    @pytest.mark.parametrize("reader", URL_CLASSES)
    @pytest.mark.parametrize(
        "url",
        [
            "https://www.zohoapis.eu",
            "https://www.zohoapis.eu/crm/v8/Leads?fields=Email#top",
            "https://www.zohoapis.eu:443/",
            "https://www.zohoapis.eu:/",
            "HTTPS://WWW.ZohoAPIs.EU/",
            "https://www.zohoapis.eu/@evil.example",
            "https://www.zohoapis.eu?@evil.example",
            "https://www.zohoapis\u3002eu/",  # IDNA: an ideographic full stop is a full stop; this is Zoho
            "https://desk.zoho.eu/api/v1/tickets",
        ],
    )
    def test_other_spellings_of_zohos_own_host_are_not_hostile(self, url, reader):
        assert verdict(url, reader) is None


class TestWhyForeign:
    @pytest.mark.parametrize("code", CODES)
    def test_every_data_centers_own_hosts_may_carry_its_tokens(self, code):
        data_center = DataCenter.get(code)

        assert len(data_center.origins) > 30
        for origin in data_center.origins:
            for reader in URL_CLASSES:
                assert verdict(f"{url_of(origin)}/path", reader, data_center) is None

    @pytest.mark.parametrize("code", CODES)
    def test_hosts_of_another_data_center_are_refused_with_both_codes(self, code):
        checked = 0
        for other in DataCenter.all():
            for origin in other.origins if other.code != code else ():
                why = why_foreign(origin, userinfo=False, data_center=DataCenter.get(code))
                assert why is not None
                assert f"{code!r}" in why
                assert f"{other.code!r}" in why
                assert "bound to their data center" in why
                checked += 1
        assert checked > 300

    def test_no_host_belongs_to_two_data_centers(self):
        hosts = [host for data_center in DataCenter.all() for _, host, _ in data_center.origins]

        assert len(set(hosts)) == len(hosts)

    def test_http_is_refused_and_the_sentence_says_https(self):
        assert "https://www.zohoapis.eu only" in verdict("http://www.zohoapis.eu/")

    def test_another_port_is_refused_and_the_sentence_names_the_right_one(self):
        assert "https://www.zohoapis.eu only" in verdict("https://www.zohoapis.eu:8443/")

    def test_an_unknown_host_is_refused_with_both_ways_out(self):
        why = verdict("https://files.example.com/")

        assert "files.example.com" in why
        assert "`allow_hosts`" in why
        assert "auth=None" in why

    def test_userinfo_is_refused_without_being_repeated(self):
        assert "hunter2" not in verdict("https://user:hunter2@www.zohoapis.eu/")

    def test_odd_characters_of_a_host_are_not_repeated(self):
        why = why_foreign(("https", "evil\nFAKE LOG LINE", None), userinfo=False, data_center=EU)

        assert "FAKE" not in why

    def test_a_host_the_user_allowed_may_carry_the_token_at_that_port_only(self):
        allowed = frozenset({origin_of("https://files.example.com:8443")})

        assert verdict("https://files.example.com:8443/x", allowed=allowed) is None
        assert "files.example.com:8443 only" in verdict("https://files.example.com/x", allowed=allowed)
        assert verdict("http://files.example.com:8443/x", allowed=allowed)

    def test_allowing_a_host_does_not_allow_userinfo(self):
        assert verdict("https://u@files.example.com/", allowed=frozenset({origin_of("files.example.com")}))

    def test_http_on_loopback_is_for_the_users_own_data_center_only(self):
        own = DataCenter(code="fake", accounts="http://127.0.0.1:8000", api="http://127.0.0.1:8001/")

        assert verdict("http://127.0.0.1:8000/oauth/v2/token", data_center=own) is None
        assert verdict("http://127.0.0.1:8001/crm", data_center=own) is None
        assert verdict("http://127.0.0.1:8002/crm", data_center=own)
        assert verdict("https://www.zohoapis.eu/crm", data_center=own)
        assert verdict("http://127.0.0.1:8000/oauth/v2/token")

    def test_an_international_name_is_compared_as_it_goes_on_the_wire(self):
        allowed = frozenset({origin_of("xn--bcher-kva.example")})

        assert verdict("https://b\u00fccher.example/", "httpx wire", allowed=allowed) is None
        assert verdict("https://b\u00fccher.example/", "httpx2 wire", allowed=allowed) is None

    @settings(max_examples=count(5_000), deadline=None)
    @given(
        st.tuples(
            st.sampled_from(["https", "http", "HTTPS", ""]) | st.text(max_size=8),
            st.sampled_from(sorted(host for _, host, _ in EU.origins)) | st.text(max_size=30),
            st.none() | st.integers(),
        ),
        st.booleans(),
    )
    def test_only_what_is_in_the_table_is_ever_allowed(self, origin, userinfo):
        why = why_foreign(origin, userinfo=userinfo, data_center=EU)

        assert (why is None) == (origin in EU.origins and not userinfo)

    @settings(max_examples=count(5_000), deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                ["https://", "www.zohoapis.eu", ".", "@", "\\", "/", ":443", "%2e", "evil", "\u3002", "?"]
            )
            | st.text(max_size=3),
            max_size=8,
        ).map("".join)
    )
    def test_urls_put_together_at_random_get_a_token_only_for_zohos_hosts(self, url):
        for reader in ("httpx wire", "httpx2 wire"):
            if verdict(url, reader) is None:
                url_class, host_of = URL_CLASSES[reader]
                assert ("https", host_of(url_class(url)), None) in EU.origins


class TestDataCenter:
    def test_all_are_zohos_eleven(self):
        assert tuple(data_center.code for data_center in DataCenter.all()) == CODES

    @pytest.mark.parametrize("code", ["eu", "EU", " Eu\n"])
    def test_a_code_is_found_in_any_case(self, code):
        assert DataCenter.get(code) is EU

    def test_a_data_center_comes_back_as_it_is(self):
        own = DataCenter(code="own", accounts="https://a.example", api="https://b.example")

        assert DataCenter.get(own) is own

    @pytest.mark.parametrize("code", ["com", "", "eu2", "https://accounts.zoho.eu", None, 7, b"eu"])
    def test_an_unknown_code_lists_the_known_ones(self, code):
        with pytest.raises(ConfigurationError) as caught:
            DataCenter.get(code)

        assert ", ".join(CODES) in str(caught.value)

    @pytest.mark.parametrize(
        ("code", "accounts", "api"),
        [
            ("us", "https://accounts.zoho.com", "https://www.zohoapis.com"),
            ("au", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au"),
            ("ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca"),
            ("cn", "https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn"),
            ("sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa"),
        ],
    )
    def test_accounts_and_api_are_those_of_zohos_pages(self, code, accounts, api):
        data_center = DataCenter.get(code)

        assert (data_center.accounts, data_center.api) == (accounts, api)

    def test_canada_has_no_host_at_zoho_ca(self):
        assert not any(host.endswith("zoho.ca") for _, host, _ in DataCenter.get("ca").origins)

    def test_equal_by_value_hashable_frozen_and_slotted(self):
        again = DataCenter(code="eu", accounts="https://accounts.zoho.eu/", api="HTTPS://www.ZOHOAPIS.eu:443")

        assert again == EU
        assert len({again, EU}) == 1
        assert not hasattr(again, "__dict__")
        with pytest.raises(FrozenInstanceError):
            again.code = "us"

    def test_it_survives_pickling(self):
        copy = pickle.loads(pickle.dumps(EU))

        assert (copy, copy.origins) == (EU, EU.origins)

    @pytest.mark.parametrize("name", ["accounts", "api"])
    def test_zohos_codes_cannot_be_given_to_other_servers(self, name):
        addresses = {"accounts": EU.accounts, "api": EU.api, name: "http://127.0.0.1:8000"}

        with pytest.raises(ConfigurationError, match="another code"):
            DataCenter(code="eu", **addresses)

    @pytest.mark.parametrize("code", ["", "EU", "e u", "x" * 33, "-x", "a/b", "\u0435u", None])
    def test_a_code_is_a_short_plain_word(self, code):
        with pytest.raises(ConfigurationError):
            DataCenter(code=code, accounts="https://a.example", api="https://b.example")

    def test_its_own_origins_are_those_it_was_given(self):
        own = DataCenter(code="own", accounts="https://a.example:8443", api="http://[::1]:9000")

        assert own.origins == {("https", "a.example", 8443), ("http", "::1", 9000)}

    def test_an_address_needs_its_scheme(self):
        with pytest.raises(ConfigurationError, match="https://"):
            DataCenter(code="own", accounts="accounts.example.com", api="https://b.example")
