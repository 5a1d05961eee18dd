"""Each product refuses in its own words, at its own hosts."""

import httpx
import pytest

from zoho_oauth import DataCenter, Family, Product, explain
from zoho_oauth.testing import FakeZoho, Rules
from zoho_oauth.testing._hosts import DOMAINS
from zoho_oauth.testing._sites import PRODUCTS, SITES

from .caller import Caller, is_said, site_of
from .world import world

pytestmark = pytest.mark.anyio

#: Hosts of which nobody told what they say about a token.
SILENT = {"assist", "commerce", "files", "meeting", "salesiq", "thrive", "webinar", "writer"}
ROWS = [pytest.param(site, id=f"{site.product} at {site.subdomain}") for site in SITES]
NAMED = [pytest.param(site, id=site.example) for site in SITES if site.segment]

#: What was measured, written out once more: product, no token, dead token.
MEASURED = {
    "recruit": (401, "AUTHENTICATION_FAILURE", 401, "INVALID_TOKEN"),
    "crm": (401, "AUTHENTICATION_FAILURE", 401, "INVALID_TOKEN"),
    "bigin": (401, "AUTHENTICATION_FAILURE", 401, "INVALID_TOKEN"),
    "desk": (401, '"errorCode": "UNAUTHORIZED"', 401, '"errorCode": "INVALID_OAUTH"'),
    "analytics": (400, '"errorCode": 8518', 401, '"errorCode": 8535'),
    "books": (401, '{"code": 14, ', 401, '{"code": 57, '),
    "inventory": (401, '{"code": 14, ', 401, '{"code": 57, '),
    "invoice": (401, '{"code": 14, ', 401, '{"code": 57, '),
    "mail": (400, "INVALID_TICKET", 401, "INVALID_OAUTHTOKEN"),
    "calendar": (400, '"error_code": "INVALID_TICKET"', 401, '"error_code": "INVALID_OAUTHTOKEN"'),
    "projects": (401, '"title": "INVALID_TICKET"', 401, '"title": "INVALID_OAUTHTOKEN"'),
    "projects-v2": (401, '"code": 6890', 401, "Invalid OAuth AccessToken"),
    "people": (401, '"status": 1', 401, "The provided OAuth token is invalid."),
    "sign": (401, '"code": 9031', 401, '"code": 9041'),
    "sheet": (401, "Valid [authorization ticket]", 401, "Valid [OAUTHTOKEN]"),
    "campaigns": (401, '"Code": "1007"', 401, '"Code": "1007"'),
    "bookings": (400, "Zoho Creator - Error Page", 401, "Zoho Creator - Error Page"),
    "workdrive": (500, "INVALID_TICKET", 401, '"id": "F7003"'),
    "cliq": (401, "", 401, "oauthtoken_invalid"),
    "catalyst": (400, "INVALID_TICKET", 401, "INVALID_OAUTHTOKEN"),
    "creator-v2.1": (401, "", 401, '"code": 1030'),
    "social": (401, "", 401, '"requestURI": "/social/v2/users"'),
    "legacy": (401, "Invalid Ticket Id", 401, "Also check if ticket has expired."),
}
MENTIONED = [pytest.param(code, *row, id=code) for code, row in MEASURED.items()]


async def assert_speaks(caller, site, origin=""):
    """A good token is taken; without one, and with a dead one, the row's answers come."""
    accepted = await caller.get(site, origin=origin)
    missing = await caller.get(site, token="", origin=origin)
    dead = await caller.get(site, token="1000.fake-access-0", origin=origin)

    assert (accepted.status_code, accepted.json()["data"][0]["path"]) == (200, site.example)
    is_said(missing, site.dialect.no_token, site.example)
    is_said(dead, site.dialect.dead_token, site.example)


class TestWhoAnswers:
    @pytest.mark.parametrize("site", ROWS)
    @pytest.mark.parametrize("code", ["eu", "ca"])
    async def test_every_product_at_its_own_hosts(self, site, code):
        await assert_speaks(Caller(code), site)

    async def test_products_named_by_the_path_on_loopback(self):
        caller = Caller()
        async with caller.fake.serve():
            for parameters in NAMED:
                await assert_speaks(caller, parameters.values[0], caller.fake.data_center.api)

    async def test_the_product_of_the_rules_where_no_path_names_one(self):
        for product in ("desk", "mail", "sprints"):
            caller = Caller(product=product)
            async with caller.fake.serve():
                await assert_speaks(caller, site_of(product), caller.fake.data_center.api)

    async def test_crm_is_the_product_of_the_rules_by_default(self):
        caller = Caller()
        async with caller.fake.serve():
            dead = await caller.get(site_of("desk"), token="dead", origin=caller.fake.data_center.api)
        is_said(dead, site_of("crm").dialect.dead_token)

    def test_rules_refuse_a_product_that_does_not_exist(self):
        with pytest.raises(ValueError, match="'product'"):
            Rules(product="abacus")

    @pytest.mark.parametrize("code", ["recruit", "sheet", "desk", "people"])
    async def test_the_gateway_does_not_have_who_has_a_host_of_his_own(self, code):
        caller = Caller()
        gateway = f"https://{site_of('crm').hosts('eu')[0]}"
        async with httpx.AsyncClient(transport=caller.fake.transport) as client:
            response = await client.get(f"{gateway}/{code}/v2/Things")

        assert (response.status_code, response.text) == (404, "API endpoint not found")

    @pytest.mark.parametrize("site", ROWS)
    async def test_a_path_that_the_product_does_not_have_is_not_found(self, site):
        if site.product.startswith("workdrive-"):
            pytest.skip("its paths are not known")
        wrong = await Caller().get(site, path="/no/such/thing")

        assert wrong.status_code == 404

    @pytest.mark.parametrize("path", ["/crm/v8/Leads", "/books/v3/contacts"])
    async def test_a_path_of_another_product_is_not_found(self, path):
        assert (await Caller().get(site_of("desk"), path=path)).status_code == 404

    async def test_one_host_serves_two_versions_of_projects(self):
        caller = Caller()
        for product, other in (("projects", "projects-v2"), ("projects-v2", "projects")):
            host = site_of(other).hosts("eu")[0]
            site = site_of(product)
            url = f"https://{host}{site.example}"
            async with httpx.AsyncClient(transport=caller.fake.transport) as client:
                is_said(await client.get(url), site.dialect.no_token, site.example)


class TestTheTable:
    @pytest.mark.parametrize(("product", "missing", "text", "dead", "dead_text"), MENTIONED)
    async def test_says_what_was_measured(self, product, missing, text, dead, dead_text):
        caller, site = Caller(), site_of(product)
        without = await caller.get(site, token="")
        refused = await caller.get(site, token="dead")

        assert (without.status_code, refused.status_code) == (missing, dead)
        assert text in without.text
        assert dead_text in refused.text

    def test_has_every_product_of_which_something_is_known(self):
        assert {each.code for each in Product.all()} - PRODUCTS == SILENT
        assert PRODUCTS - {each.code for each in Product.all()} == {"legacy", "social"}

    @pytest.mark.parametrize("code", DOMAINS)
    def test_and_the_librarys_agree_on_hosts(self, code):
        data_center = DataCenter.get(code)
        told = {each: data_center.base_url(each) for each in PRODUCTS - {"legacy", "social"}}
        hosts = {host for site in SITES for host in site.hosts(code) if site.product != "legacy"}

        assert told == {each: f"https://{site_of(each).hosts(code)[0]}" for each in told}
        assert {("https", host, None) for host in hosts} <= data_center.origins
        silent = {data_center.base_url(each).removeprefix("https://") for each in SILENT}
        accounts = data_center.accounts.removeprefix("https://")
        assert {host for _, host, _ in data_center.origins} - {accounts} <= hosts | silent

    def test_its_paths_begin_as_the_librarys_do(self):
        for product in Product.all():
            if product.code in PRODUCTS:
                assert site_of(product.code).example.startswith(product.path), product.code

    @pytest.mark.parametrize("product", sorted(SILENT))
    async def test_leaves_the_rest_to_the_rules(self, product):
        caller = Caller(product="cliq")
        url = f"{DataCenter.get('eu').base_url(product)}/api/v1/things"
        async with httpx.AsyncClient(transport=caller.fake.transport) as client:
            is_said(await client.get(url), site_of("cliq").dialect.no_token)


class TestWithTheLibrary:
    @pytest.mark.parametrize("site", ROWS)
    async def test_a_dead_token_is_seen_for_what_it_is(self, site):
        meaning = explain(await Caller().get(site, token="dead"))

        assert meaning.family is Family.TOKEN

    @pytest.mark.parametrize("product", ["crm", "desk", "projects", "workdrive", "social", "sprints"])
    async def test_a_scope_that_is_missing_is_too(self, product):
        caller = Caller()
        caller.fake.require_scope("/", "Other.things.READ")

        assert explain(await caller.get(site_of(product))).family is Family.SCOPE


async def test_the_other_way_to_reach_it_speaks_dialects_too():
    async with world(FakeZoho(), "in process, httpx2") as zoho:
        response = await zoho.call("dead", "/api/v1/tickets", api="https://desk.zoho.com")

    assert response.json()["errorCode"] == "INVALID_OAUTH"
