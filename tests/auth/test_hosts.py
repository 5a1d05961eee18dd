"""Where the token may go: refused before a socket is opened, a token minted or a record loaded."""

from __future__ import annotations

import re
import socket
from collections import Counter

import pytest

from tests.auth import LEADS, OWNER, World, in_a_thread, naive_auth
from tests.corpus_urls import HOSTILE_URLS
from tests.test_data_centers import by_prefix, by_suffix, without_port, without_scheme, without_userinfo
from zoho_oauth import DataCenter, MemoryStore, ZohoOAuth, errors
from zoho_oauth.testing import FakeZoho

#: Data center → an address at each host that may carry its tokens.
ADDRESSES = {
    each.code: sorted(f"https://{host}/some/path" for _, host, _ in each.origins) for each in DataCenter.all()
}
LOOK_ALIKES = (
    "https://{}.evil.example/",
    "https://evil.example/{}",
    "https://evil{}/",
    "https://evil-{}/",
    "https://a.{}/",
    "https://{}./",
    "https://{}:8443/",
    "https://{}@evil.example/",
    "https://user:password@{}/",
    "http://{}/",
)


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
    """What httpx itself raises for a URL; ValueError (not a UnicodeError) if it had an answer from there."""
    raised = library.module
    return (raised.InvalidURL, raised.UnsupportedProtocol, raised.LocalProtocolError, ValueError)


async def outcome(library, client, url):
    """The error that a GET ends with, if any, and whether the request carried a token."""
    request = None
    try:
        request = client.build_request("GET", url)
        await client.send(request)
    except (errors.ForeignHostError, *unreadable(library)) as error:
        return type(error), request is not None and "Authorization" in request.headers
    return None, "Authorization" in request.headers


async def outcomes(world, auth, urls, base_url=""):
    """Error and header → how often; and what reached the transport."""
    transport = recording(world.library)
    async with world.client(auth, transport=transport, base_url=base_url) as client:
        found = Counter([await outcome(world.library, client, url) for url in urls])
    print(f"{world.library.name}: {len(urls)} URLs, {len(transport.went)} sent", dict(found))
    return found, transport.went


class TestHostileURLs:
    @pytest.mark.anyio
    @pytest.mark.parametrize("in_hand", [True, False])
    @pytest.mark.parametrize("base_url", ["", "https://www.zohoapis.eu"])
    async def test_none_gets_a_request_or_a_header(self, counted, base_url, in_hand):
        if in_hand:
            await counted.source().token()
        urls = [url for url in HOSTILE_URLS if not base_url or is_absolute(counted.library, url)]

        found, went = await outcomes(counted, counted.auth(), urls, base_url)

        assert went == []
        assert not any(carried for _, carried in found)
        assert not {None, ValueError} & {error for error, _ in found}
        assert found.total() >= 100
        assert found[errors.ForeignHostError, False] >= 60

    @pytest.mark.anyio
    @pytest.mark.parametrize("broken", [by_prefix, by_suffix, without_userinfo, without_scheme, without_port])
    async def test_a_broken_check_gives_the_token_to_some(self, counted, monkeypatch, broken):
        monkeypatch.setattr("zoho_oauth._flow.why_foreign", broken)

        _, went = await outcomes(counted, counted.auth(), HOSTILE_URLS)

        assert went
        assert all(carried for _, carried in went)

    @pytest.mark.anyio
    async def test_an_auth_that_asks_no_questions_sends_the_token_to_most(self, counted):
        _, went = await outcomes(counted, naive_auth(counted.library, counted.source()), HOSTILE_URLS)

        assert len([url for url, carried in went if carried]) >= 60

    @pytest.mark.anyio
    async def test_for_what_is_nobodys_nothing_is_loaded_and_nothing_minted(self, counted):
        urls = [url for url in HOSTILE_URLS if is_nobodys(counted.library, url)]

        found, went = await outcomes(counted, counted.auth(), urls)

        assert found == {(errors.ForeignHostError, False): len(urls)}
        assert len(urls) >= 50
        assert (went, counted.store.loads, counted.fake.token_requests) == ([], 0, 0)

    def test_a_sync_client_refuses_them_all_too(self, counted):
        transport = recording(counted.library, blocking=True)
        urls = [url for url in HOSTILE_URLS if is_nobodys(counted.library, url)]
        with counted.sync_client(transport=transport, base_url="") as client:
            for url in urls:
                with pytest.raises(errors.ForeignHostError):
                    client.get(url)

        assert len(urls) >= 50
        assert (transport.went, counted.store.loads, counted.fake.token_requests) == ([], 0, 0)

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
            found = [await outcome(counted.library, client, url) for url in HOSTILE_URLS]
            before = len(asked)
            with pytest.raises(counted.library.module.ConnectError):
                await client.get("https://www.zohoapis.eu/")

        assert (None, True) not in found
        assert before == 0
        assert len(asked) > 0


def adopted(world, code):
    """The auth of an owner in that data center."""
    token = world.fake.consent(world.registration, data_center=code)
    in_a_thread(lambda: world.zoho.adopt(token, code, code, verify=False))
    return world.auth(code)


async def seen(client, transport, url, codes):
    """What became of one request; a refusal has to name all `codes`, and to leave no trace."""
    before, request = len(transport.went), client.build_request("GET", url)
    try:
        await client.send(request)
    except errors.ForeignHostError as error:
        is_clean = len(transport.went) == before and "Authorization" not in request.headers
        return "refused" if is_clean and codes <= set(re.findall(r"'(\w\w)'", error.message)) else "unclear"
    return "sent" if transport.went[before:] == [(url, True)] else "unclear"


async def survey(world, home, auth):
    """Every host of every data center, for an owner in `home`: what became of the requests, by data center."""
    transport = recording(world.library)
    async with world.client(auth, transport=transport, base_url="") as client:
        found = Counter(
            [
                (code, await seen(client, transport, url, {home, code}))
                for code, urls in ADDRESSES.items()
                for url in urls
            ]
        )
    return found, len(transport.went)


def any_of_zohos(origin, **_):
    """What the check must not become."""
    return None if any(origin in each.origins for each in DataCenter.all()) else "foreign"


class TestEveryHost:
    @pytest.mark.anyio
    async def test_its_own_data_centers_get_the_token_and_all_others_an_error_with_both_codes(self, counted):
        sent = refused = 0
        for home in ADDRESSES:
            found, reached = await survey(counted, home, adopted(counted, home))

            assert found == {
                (code, "sent" if code == home else "refused"): len(urls) for code, urls in ADDRESSES.items()
            }
            assert reached == len(ADDRESSES[home])
            sent, refused = sent + reached, refused + found.total() - reached

        print(f"{counted.library.name}: {sent} sent with a token, {refused} refused, naming both")
        assert sent >= 11 * 35
        assert refused == 10 * sent

    @pytest.mark.anyio
    async def test_a_check_for_any_of_zohos_hosts_gives_it_to_all(self, counted, monkeypatch):
        monkeypatch.setattr("zoho_oauth._flow.why_foreign", any_of_zohos)

        found, reached = await survey(counted, "eu", adopted(counted, "eu"))

        assert found == {(code, "sent"): len(urls) for code, urls in ADDRESSES.items()}
        assert reached == found.total()

    @pytest.mark.anyio
    async def test_what_resembles_one_of_them_does_not_get_it(self, counted):
        for home in ADDRESSES:
            hosts = [origin[1] for origin in DataCenter.get(home).origins]
            urls = [pattern.format(host) for pattern in LOOK_ALIKES for host in hosts]

            found, went = await outcomes(counted, adopted(counted, home), urls)

            assert (found, went) == ({(errors.ForeignHostError, False): len(urls)}, [])


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
    async def test_it_gets_the_tokens_of_owners_in_every_data_center(self, counted):
        transport = recording(counted.library)
        for home in ADDRESSES:
            async with counted.client(adopted(counted, home), transport=transport) as client:
                await client.get(self.MINE)

        assert transport.went == [(self.MINE, True)] * 11

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
