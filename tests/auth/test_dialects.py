"""Every product's answers over real sockets, at the real hosts: what costs a refresh, and what is handed back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest
from attrs import define, field, frozen

from tests.auth import OWNER, Library, naive_auth
from tests.auth.elsewhere import Line, endpoint_transport, sync_transport, transport
from tests.corpus_rejections import CREDENTIAL, OTHER, PERMISSION, RATE_LIMIT, REJECTIONS, SCOPE, TOKEN
from zoho_oauth import Family, TokenEndpoint, ZohoOAuth, explain
from zoho_oauth.testing import FakeZoho, Rules
from zoho_oauth.testing._sites import SITES, Site
from zoho_oauth.testing.answers import Answer, json_answer

PATIENCE = 60.0
#: Reached with `allow_hosts`, whoever they belong to.
ALLOWED = {f"https://{each.place[0]}" for each in REJECTIONS} | {
    f"https://{host}" for site in SITES for host in site.hosts("eu")
}
WELL = json_answer({"data": []})


# --- what each product's answers are expected to mean ------------------------------------------------------

LIKE_CRM = {"crm", "crm-sandbox", "crm-developer", "crm-upload", "bigin", "phonebridge", "recruit"}
FINANCE = {"books", "inventory", "invoice", "billing", "expense"}
MEANS = {
    "scope": SCOPE,
    "permission": PERMISSION,
    "no organization": PERMISSION,
    "another organization": PERMISSION,
    "limit": RATE_LIMIT,
    "header lost": CREDENTIAL,
    "nothing there": OTHER,
}
#: What nobody can tell from a dead token: it costs a refresh.
SAYS_THE_SAME = {
    "scope": {*FINANCE, "analytics", "bookings"},
    "permission": FINANCE,
    "header lost": {"campaigns", "cliq", "people", "legacy"},
}
#: Known to be no rejection, and no more: a status of success, a page, a code that stands for much.
SAYS_LITTLE = {
    "limit": {"creator", "creator-v2.1"},
    "header lost": {"bookings"},
    "no organization": FINANCE,
    "another organization": FINANCE,
}


def expected(product: str, sort: str) -> tuple[Family, bool]:
    """What the answer means, and whether it costs a refresh."""
    if product in SAYS_THE_SAME.get(sort, ()):
        return TOKEN, True
    if product in SAYS_LITTLE.get(sort, ()):
        return OTHER, False
    return MEANS[sort], sort == "header lost" and product in LIKE_CRM


# --- one round: a fake, an owner and a case ----------------------------------------------------------------


@frozen
class Case:
    """A request, what happens before it, and what must come of it."""

    name: str
    url: str
    arrange: Callable[[Round], object]
    refreshes: bool
    answer: Answer = WELL
    """What is handed back; `WELL`: the request is served."""
    family: Family = OTHER
    rules: dict[str, Any] = field(factory=dict)
    is_of_the_fake: bool = True
    """Whether the fake itself has something at the URL."""


@define
class Round:
    """A fake of its own, so that neither budgets nor throttles of other rounds count."""

    case: Case
    line: Line
    fake: FakeZoho
    zoho: ZohoOAuth

    @classmethod
    async def begun(cls, stage: Any, line: Line, case: Case) -> Round:
        """An owner who has consented and has no token yet."""
        fake = stage.fake = FakeZoho("eu", rules=Rules(**case.rules))
        line.drops = ()
        registration = fake.register_client()
        zoho = ZohoOAuth(
            registration,
            clock=fake.clock,
            endpoint=TokenEndpoint(transport=endpoint_transport(Line(line.origin))),
            allow_hosts=ALLOWED,
        )
        await zoho.adopt(fake.consent(registration), OWNER, verify=False)
        return cls(case, line, fake, zoho)

    async def fault(self, send: Any, auth_of: Any) -> str | None:
        """What was wrong, if anything was."""
        auth = auth_of(self.zoho.source(OWNER))
        if self.case.is_of_the_fake:
            first = await send(self.case.url, auth)
            assert first.status_code == 200, f"{self.case.name}: {first.status_code} {first.text}"
        else:
            await self.zoho.source(OWNER).token()
        before, sent_before = self.fake.token_requests, len(self.line.sent)
        self.case.arrange(self)
        response = await send(self.case.url, auth)
        cost = (len(self.line.sent) - sent_before, self.fake.token_requests - before)
        meaning = explain(response)
        seen = (
            cost,
            response.status_code,
            meaning.family,
            meaning.retry_after,
            self._is_unchanged(response),
        )
        wanted = self._wanted()
        return None if seen == wanted else f"{self.case.name}: {seen}, not {wanted}"

    def _wanted(self) -> tuple[Any, ...]:
        case, cost = self.case, (2, 1) if self.case.refreshes else (1, 0)
        wait = dict(case.answer.headers).get("retry-after")
        return (cost, case.answer.status, case.family, float(wait) if wait else None, True)

    def _is_unchanged(self, response: Any) -> bool:
        """Status, body and headers, each as often as they were sent."""
        answer = self.case.answer
        if answer is WELL:
            return True
        body = answer.body.replace(b"{path}", response.request.url.raw_path)
        headers = [*answer.headers, ("content-length", str(len(body)))]
        return (response.content, sorted(response.headers.multi_items())) == (body, sorted(headers))


def dies(it: Round) -> None:
    it.fake.expire_all()


def loses_the_header(it: Round) -> None:
    it.line.drops = {"authorization"}


def is_told(*answers: Answer) -> Callable[[Round], None]:
    def arrange(it: Round) -> None:
        for each in answers:
            it.fake.answer_next(each)

    return arrange


# --- the tables --------------------------------------------------------------------------------------------


def dialect_cases(site: Site, host: str) -> Iterator[Case]:
    """What the fake does by itself, with tokens that really die."""
    url, said = f"https://{host}{site.example}", site.dialect

    def alike(sort: str, answer: Answer, arrange: Callable[[Round], object], more: str = "") -> Case:
        family, refreshes = expected(site.product, sort)
        return Case(f"{host} {sort}{more}", url, arrange, refreshes, answer, family)

    yield Case(f"{host} dead", url, dies, refreshes=True)
    if said.other_dead_token is not None:
        rules = {"other_rejection_status": True}
        yield Case(f"{host} dead, otherwise", url, dies, refreshes=True, rules=rules)
    yield alike("header lost", said.no_token, loses_the_header)
    yield alike("scope", said.scope, lambda it: it.fake.require_scope("/", "ZohoOther.things.READ"))
    yield alike("permission", said.permission, lambda it: it.fake.forbid("/", times=2))
    yield alike("nothing there", said.wrong_path, is_told(said.wrong_path))
    for code, answer in said.limits.items():
        yield alike("limit", answer, partial(_limit, code=code), f" {code}")
    if said.selector is not None:
        yield alike("no organization", said.no_organization, _require_organization)
        yield alike("another organization", said.wrong_organization, is_told(said.wrong_organization))


def _limit(it: Round, *, code: str) -> None:
    it.fake.limit("/", code=code)


def _require_organization(it: Round) -> None:
    it.fake.require_organization("/", "4711")


def corpus_cases(product: str | None) -> Iterator[Case]:
    """What was seen, literally."""
    for number, each in enumerate(each for each in REJECTIONS if each.product == product):
        headers = (("content-type", each.content_type),) if each.content_type else ()
        answer = Answer(each.status, each.body, headers)
        make = partial(Case, url=f"https://{each.url}", refreshes=each.refreshes, is_of_the_fake=False)
        yield make(f"{number} {each}", arrange=is_told(answer, answer), answer=answer, family=each.family)
        if each.refreshes:
            yield make(f"{number} {each}, once", arrange=is_told(answer, WELL))


# --- the tests ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def sending(library: Library, line: Line, *, blocking: bool) -> AsyncIterator[Any]:
    """A function that sends a GET with a client that lives as long."""
    if blocking:
        with library.module.Client(transport=sync_transport(library.module, line)) as client:
            yield lambda url, auth: anyio.to_thread.run_sync(partial(client.get, url, auth=auth))
    else:
        async with library.module.AsyncClient(transport=transport(library.module, line)) as client:
            yield lambda url, auth: client.get(url, auth=auth)


async def faults(
    stage: Any, library: Library, cases: Iterable[Case], auth_of: Any = None, *, blocking: bool = False
) -> list[str]:
    """What was wrong with each case that was not as it should be."""
    line, found = Line(stage.server.origin), []
    with anyio.fail_after(PATIENCE):
        async with sending(library, line, blocking=blocking) as send:
            for case in cases:
                it = await Round.begun(stage, line, case)
                found.append(await it.fault(send, auth_of or library.auth_class))
    assert found
    return [each for each in found if each]


DIALECTS = sorted({site.product for site in SITES})
SEEN = sorted({each.product for each in REJECTIONS}, key=str)


def of_dialect(product: str) -> Iterator[Case]:
    """All cases of one product, at all its hosts."""
    sites = [site for site in SITES if site.product == product]
    return (case for site in sites for host in site.hosts("eu") for case in dialect_cases(site, host))


@pytest.mark.anyio
@pytest.mark.parametrize("product", DIALECTS)
async def test_each_dialect_of_the_fake(stage, library, product):
    assert await faults(stage, library, of_dialect(product)) == []


@pytest.mark.anyio
@pytest.mark.parametrize("product", SEEN)
async def test_each_answer_that_was_seen(stage, library, product):
    assert await faults(stage, library, corpus_cases(product)) == []


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("product", ["analytics", "crm", "desk", "mail", "workdrive"])
async def test_a_sync_client_is_served_the_same(stage, library, product):
    cases = [*of_dialect(product), *corpus_cases(product)]

    assert await faults(stage, library, cases, blocking=True) == []


# --- the controls ------------------------------------------------------------------------------------------


def crm_auth(library: Library, source: Any) -> Any:
    """An Auth that knows CRM's word and no other."""

    class KnowsCrm(library.module.Auth):
        async def async_auth_flow(self, request):
            token = await source.token()
            request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
            response = yield request
            if response.status_code == 401 and b'"INVALID_TOKEN"' in await response.aread():
                token = await source.token(token)
                request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
                yield request

    return KnowsCrm()


#: The cases that go wrong with an Auth that refreshes on every 401 and on nothing else …
EVERY_401 = {
    "analytics": set(),
    "crm": {"www.zohoapis.eu dead, otherwise", "www.zohoapis.eu scope"},
    "desk": {"desk.zoho.eu header lost"},
    "mail": {"mail.zoho.eu scope"},
    "sprints": {"sprintsapi.zoho.eu scope", "sprintsapi.zoho.eu permission"},
    "workdrive": {
        f"{host} {sort}"
        for host in ("www.zohoapis.eu", "workdrive.zoho.eu")
        for sort in ("dead, otherwise", "scope")
    },
}
#: … and with one that knows CRM's answer only.
CRM_ONLY = {
    "analytics": {"analyticsapi.zoho.eu dead", "analyticsapi.zoho.eu scope"},
    "crm": {"www.zohoapis.eu dead, otherwise", "www.zohoapis.eu header lost"},
    "desk": {"desk.zoho.eu dead"},
    "mail": {"mail.zoho.eu dead"},
    "sprints": {"sprintsapi.zoho.eu dead"},
    "workdrive": {
        f"{host} {sort}"
        for host in ("www.zohoapis.eu", "workdrive.zoho.eu")
        for sort in ("dead", "dead, otherwise")
    },
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("auth_of", "failing"), [(naive_auth, EVERY_401), (crm_auth, CRM_ONLY)], ids=["every-401", "crm-only"]
)
async def test_simpler_auths_fail_these_cases(stage, library, auth_of, failing):
    for product, names in failing.items():
        found = await faults(stage, library, of_dialect(product), partial(auth_of, library))
        assert {each.partition(": ")[0] for each in found} == names


@pytest.mark.anyio
async def test_an_answer_that_lost_a_header_is_not_unchanged(stage, library):
    """The control for what is handed back."""

    class Forgetful(library.auth_class):
        async def async_auth_flow(self, request):
            response = yield request
            response.headers.pop("Content-Type", None)

    found = await faults(stage, library, corpus_cases("desk"), Forgetful)

    assert len(found) == len(list(corpus_cases("desk")))
