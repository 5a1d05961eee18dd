import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import count
from zoho_oauth._data_centers import DataCenter, origin_of, url_of
from zoho_oauth.errors import ConfigurationError

from .url_verdicts import verdict

GOOD_ORIGINS = {
    "files.example.com": ("https", "files.example.com", None),
    "Files.Example.COM": ("https", "files.example.com", None),
    "https://host": ("https", "host", None),
    "https://host/": ("https", "host", None),
    "https://host:443": ("https", "host", None),
    "https://host:8443": ("https", "host", 8443),
    "host:8443": ("https", "host", 8443),
    "http://localhost": ("http", "localhost", None),
    "http://localhost:80": ("http", "localhost", None),
    "http://127.0.0.1:8000": ("http", "127.0.0.1", 8000),
    "http://127.255.0.9": ("http", "127.255.0.9", None),
    "http://[::1]:8000/": ("http", "::1", 8000),
    "http://[0:0:0:0:0:0:0:1]": ("http", "::1", None),
    "https://[2001:DB8::1]": ("https", "2001:db8::1", None),
    "https://192.0.2.7:8443": ("https", "192.0.2.7", 8443),
    "xn--bcher-kva.example": ("https", "xn--bcher-kva.example", None),
}

BAD_ORIGINS = (
    "",
    " ",
    "/",
    "https://",
    "https:///x",
    "http://files.example.com",
    "http://126.255.255.255",
    "http://128.0.0.1",
    "http://10.0.0.1:8000",
    "http://localhost.example",
    "http://localhost.",
    "http://127.0.0.1.example",
    "http://[::ffff:127.0.0.1]",
    "http://[::]",
    "http://127.1",
    "http://0x7f000001",
    "http://2130706433",
    "https://127.1",
    "https://0x7f000001",
    "https://host.0x",
    "https://0x7f.1",
    "https://1.2.3.4.5",
    "https://01.2.3.4",
    "https://user@host",
    "https://user:hunter2@host",
    "https://host/path",
    "https://host//",
    "https://host?x",
    "https://host#x",
    "https://host\\x",
    "https://*.example.com",
    "*",
    "https://host.",
    "https://.host",
    "https://a..b",
    "https://-host",
    "https://host-",
    "https://ho_st",
    "https://ho st",
    " https://host",
    "https://host\n",
    "https://host\t",
    "https://ho\x00st",
    "https://host:",
    "https://host:0",
    "https://host:65536",
    "https://host:-1",
    "https://host:80a",
    "https://host:\u0668\u0660",
    "https://b\u00fccher.example",
    "https://\uff57\uff57\uff57.example",
    "https://\u212aelvin.example",
    "http\u017f://host",
    "https://host%2eexample",
    "ftp://host",
    "ws://localhost",
    "//host",
    "https:host",
    "https://[::1",
    "https://::1",
    "https://[fe80::1%25eth0]",
    "https://[host]",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 130 + "example",
    None,
    7,
    b"host",
)


class TestOriginOf:
    @pytest.mark.parametrize("url", GOOD_ORIGINS)
    def test_scheme_host_and_port_are_read(self, url):
        assert origin_of(url) == GOOD_ORIGINS[url]

    @pytest.mark.parametrize("url", GOOD_ORIGINS)
    def test_what_is_written_is_read_back(self, url):
        assert origin_of(url_of(origin_of(url))) == origin_of(url)

    @pytest.mark.parametrize("reader", ["httpx wire", "httpx2 wire"])
    @pytest.mark.parametrize("url", GOOD_ORIGINS)
    def test_it_is_the_origin_that_the_url_class_sees(self, url, reader):
        written = url_of(origin_of(url))

        assert verdict(f"{written}/x", reader, allowed=frozenset({origin_of(url)})) is None

    @pytest.mark.parametrize("url", BAD_ORIGINS)
    def test_anything_else_is_refused_with_what_to_do(self, url):
        with pytest.raises(ConfigurationError) as caught:
            origin_of(url)

        assert "https://host.example:8443" in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("url", BAD_ORIGINS)
    @pytest.mark.parametrize("name", ["accounts", "api"])
    def test_neither_does_a_data_center_take_it(self, url, name):
        addresses = {"accounts": "https://a.example", "api": "https://b.example", name: url}

        with pytest.raises(ConfigurationError):
            DataCenter(code="own", **addresses)

    @settings(max_examples=count(5_000), deadline=None)
    @given(
        st.text(max_size=40)
        | st.from_regex(r"(https?://)?[a-z0-9.\[\]:%@_-]{0,30}(:[0-9]*)?/?", fullmatch=True)
    )
    def test_any_text_is_an_origin_or_a_configuration_error(self, url):
        try:
            scheme, host, port = origin_of(url)
        except ConfigurationError:
            return

        assert scheme in ("http", "https")
        assert host.isascii()
        assert port is None or 0 < port < 65_536
