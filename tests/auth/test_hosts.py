"""Where the token may go: refused before a socket is opened, a token minted or a record loaded."""

from __future__ import annotations

import socket

import pytest

from tests.auth import LEADS, OWNER, World, naive_auth
from tests.corpus_urls import HOSTILE_URLS
from zoho_oauth import DataCenter, MemoryStore, ZohoOAuth, errors
from zoho_oauth.testing import FakeZoho


class CountingStore(MemoryStore):
    loads = 0

    async def load(self, owner):
        self.loads += 1
        return await super().load(owner)


@pytest.fixture
def counted(library):
    """An owner whose record nobody has loaded yet."""
    fake = FakeZoho("eu")
    world = World(fake, library, CountingStore())
    world.store.loads = 0
    yield world
    fake.release_all()


def recording(library, blocking=False):
    """A transport that notes where requests would have gone, with the token or without."""
    base = library.module.BaseTransport if blocking else library.module.AsyncBaseTransport

    class Recording(base):
        def __init__(self):
            self.went = []

        def _note(self, request):
            self.went.append((str(request.url), "Authorization" in request.headers))
            return library.module.Response(200, request=request)

        def handle_request(self, request):
            return self._note(request)

        async def handle_async_request(self, request):
            return self._note(request)

    return Recording()


def is_absolute(library, url):
    try:
        return library.module.URL(url).is_absolute_url
    except (library.module.InvalidURL, UnicodeError):
        return True


def is_nobodys(library, url):
    """Neither Zoho's in any data center, nor unreadable."""
    try:
        parsed = library.module.URL(url)
        host, origin = parsed.host, (parsed.scheme, parsed.raw_host.decode("ascii"), parsed.port)
    except (library.module.InvalidURL, UnicodeError):
        return False
    zohos = any(origin in each.origins for each in DataCenter.all())
    return bool(parsed.scheme in ("http", "https") and host) and (bool(parsed.userinfo) or not zohos)


def unreadable(library):
    """What httpx itself raises for a URL."""
    return (library.module.InvalidURL, library.module.UnsupportedProtocol, library.module.LocalProtocolError)


class TestHostileURLs:
    @pytest.mark.anyio
    @pytest.mark.parametrize("base_url", ["", "https://www.zohoapis.eu"])
    async def test_none_gets_a_request(self, counted, base_url):
        transport, refused, tried = recording(counted.library), 0, 0
        async with counted.client(transport=transport, base_url=base_url) as client:
            for url in HOSTILE_URLS:
                if base_url and not is_absolute(counted.library, url):
                    continue
                tried += 1
                with pytest.raises(
                    (errors.ForeignHostError, *unreadable(counted.library), UnicodeError)
                ) as caught:
                    await client.get(url)
                refused += caught.type is errors.ForeignHostError

        assert transport.went == []
        assert tried >= 100
        assert refused >= 60

    @pytest.mark.anyio
    async def test_with_a_token_in_hand_none_gets_it_either(self, counted):
        await counted.source().token()
        transport = recording(counted.library)
        async with counted.client(transport=transport, base_url="") as client:
            for url in HOSTILE_URLS:
                with pytest.raises((errors.ForeignHostError, *unreadable(counted.library), UnicodeError)):
                    await client.get(url)

        assert transport.went == []

    @pytest.mark.anyio
    async def test_for_what_is_nobodys_nothing_is_loaded_and_nothing_minted(self, counted):
        tried = 0
        async with counted.client(transport=recording(counted.library), base_url="") as client:
            for url in HOSTILE_URLS:
                if is_nobodys(counted.library, url):
                    tried += 1
                    with pytest.raises(errors.ForeignHostError):
                        await client.get(url)

        assert tried >= 50
        assert (counted.store.loads, counted.fake.token_requests) == (0, 0)

    def test_a_sync_client_refuses_them_all_too(self, counted):
        transport, tried = recording(counted.library, blocking=True), 0
        with counted.sync_client(transport=transport, base_url="") as client:
            for url in HOSTILE_URLS:
                if is_nobodys(counted.library, url):
                    tried += 1
                    with pytest.raises(errors.ForeignHostError):
                        client.get(url)

        assert tried >= 50
        assert (transport.went, counted.store.loads, counted.fake.token_requests) == ([], 0, 0)

    @pytest.mark.anyio
    async def test_an_auth_that_asks_no_questions_sends_the_token_to_most(self, counted):
        """The control."""
        transport = recording(counted.library)
        auth = naive_auth(counted.library, counted.source())
        async with counted.client(auth, transport=transport, base_url="") as client:
            for url in HOSTILE_URLS:
                try:
                    await client.get(url)
                except (*unreadable(counted.library), ValueError):
                    continue

        assert len([url for url, carried in transport.went if carried]) >= 60

    @pytest.mark.asyncio
    async def test_no_name_is_looked_up_and_no_socket_opened(self, counted, monkeypatch):
        """With httpx's own transport, up to the operating system."""
        asked = []

        def refuse(*address, **options):
            asked.append(address)
            raise OSError("no network here")

        await counted.source().token()
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        async with counted.library.module.AsyncClient(auth=counted.auth()) as client:
            for url in HOSTILE_URLS:
                with pytest.raises((errors.ForeignHostError, *unreadable(counted.library), UnicodeError)):
                    await client.get(url)
            before = len(asked)
            with pytest.raises(counted.library.module.ConnectError):
                await client.get("https://www.zohoapis.eu/")

        assert before == 0
        assert len(asked) > 0


class TestDataCenters:
    @pytest.mark.anyio
    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("https://www.zohoapis.com/crm/v8/Leads", "us"),
            ("https://desk.zoho.in/api/v1/tickets", "in"),
            ("https://accounts.zohocloud.ca/", "ca"),
        ],
    )
    @pytest.mark.parametrize("in_hand", [True, False])
    async def test_the_error_for_another_one_of_zohos_names_both(self, counted, url, code, in_hand):
        if in_hand:
            await counted.source().token()
        transport = recording(counted.library)
        async with counted.client(transport=transport) as client:
            with pytest.raises(errors.ForeignHostError, match=f"{code!r}.*'eu'") as caught:
                await client.get(url)

        assert (caught.value.owner, caught.value.data_center) == (OWNER, "eu")
        assert transport.went == []

    @pytest.mark.anyio
    async def test_the_owners_data_center_counts_not_the_registrations(self, counted):
        token = counted.fake.consent(counted.registration, data_center="in")
        await counted.zoho.adopt(token, "in India", "in", verify=False)
        async with counted.client(counted.auth("in India"), base_url="https://www.zohoapis.in") as client:
            assert (await client.get(LEADS)).status_code == 200
            with pytest.raises(errors.ForeignHostError, match=r"'eu'.*'in'"):
                await client.get(f"https://www.zohoapis.eu{LEADS}")

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "url",
        ["https://desk.zoho.eu/api/v1/tickets", "https://content.zohoapis.eu/crm/v8/upload", "/crm/v8/Leads"],
    )
    async def test_its_own_hosts_get_the_token(self, counted, url):
        async with counted.client() as client:
            assert (await client.get(url)).status_code == 200


class TestAllowHosts:
    MINE = "https://files.example:8443/a"

    @pytest.mark.anyio
    @pytest.mark.parametrize("in_hand", [True, False])
    async def test_a_host_that_was_named_gets_the_token(self, counted, in_hand):
        if in_hand:
            await counted.source().token()
        transport = recording(counted.library)
        async with counted.client(transport=transport) as client:
            await client.get(self.MINE)

        assert transport.went == [(self.MINE, True)]

    def test_with_a_sync_client_too(self, counted):
        transport = recording(counted.library, blocking=True)
        with counted.sync_client(transport=transport) as client:
            client.get(self.MINE)

        assert transport.went == [(self.MINE, True)]

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "url",
        [
            "https://files.example/",
            "http://files.example:8443/",
            "https://a.files.example:8443/",
            "https://u:p@files.example:8443/",
            "https://files.example:8444/",
        ],
    )
    async def test_what_only_resembles_it_does_not(self, counted, url):
        transport = recording(counted.library)
        async with counted.client(transport=transport) as client:
            with pytest.raises(errors.ForeignHostError):
                await client.get(url)

        assert (transport.went, counted.store.loads) == ([], 0)

    @pytest.mark.anyio
    async def test_the_auth_of_a_zoho_without_it_refuses_the_host(self, counted):
        plain = ZohoOAuth(counted.registration, counted.store, clock=counted.fake.clock)
        transport = recording(counted.library)
        async with counted.client(
            counted.library.auth_class(plain.source(OWNER)), transport=transport
        ) as client:
            with pytest.raises(errors.ForeignHostError):
                await client.get(self.MINE)

        assert transport.went == []


class TestWithoutAuth:
    @pytest.mark.anyio
    async def test_a_request_without_auth_goes_anywhere_and_carries_nothing(self, counted):
        transport = recording(counted.library)
        async with counted.client(transport=transport) as client:
            await client.get("https://files.other.example/", auth=None)

        assert transport.went == [("https://files.other.example/", False)]
        assert (counted.store.loads, counted.fake.token_requests) == (0, 0)
