"""Scope, organization, permission, rate limit and the other statuses, each in the words of the product."""

import json

import pytest

from zoho_oauth.testing import FakeZoho
from zoho_oauth.testing._sites import LIMITS, SITES

from .caller import Caller, is_said, site_of

pytestmark = pytest.mark.anyio

ROWS = [pytest.param(site, id=f"{site.product} at {site.subdomain}") for site in SITES]


class TestScope:
    @pytest.mark.parametrize("site", ROWS)
    async def test_too_small_a_scope_is_refused_in_the_dialect(self, site):
        caller = Caller()
        caller.fake.require_scope(site.example, "Other.things.READ")
        refused = await caller.get(site)

        is_said(refused, site.dialect.scope, site.example)

    async def test_a_scope_that_reaches_is_no_error(self):
        caller, site = Caller(), site_of("desk")
        caller.fake.require_scope(site.example, "Everything.things.READ")

        assert (await caller.get(site)).status_code == 200


class TestOtherStatus:
    SEEN = {"crm": 400, "bigin": 400, "projects": 400, "workdrive": 500, "people": 401, "recruit": 401}

    @pytest.mark.parametrize(("product", "status"), SEEN.items())
    async def test_a_dead_token_may_be_refused_as_it_was_seen_elsewhere(self, product, status):
        site, caller = site_of(product), Caller(other_rejection_status=True)
        dead = await caller.get(site, token="dead")

        assert dead.status_code == status
        is_said(dead, site.dialect.dead(other=True), site.example)
        assert caller.fake.requests.rejected == 1

    async def test_people_has_two_codes_for_it(self):
        site = site_of("people")
        answers = [
            await Caller(other_rejection_status=other).get(site, token="dead") for other in (False, True)
        ]

        assert [each.json()["response"]["errors"]["code"] for each in answers] == [7213, 7202]

    async def test_and_the_retry_of_it_is_counted(self):
        site, caller = site_of("workdrive"), Caller(other_rejection_status=True)
        await caller.get(site, token="dead")
        await caller.get(site)

        assert (caller.fake.requests.rejected, caller.fake.requests.retries) == (1, 1)

    async def test_an_answer_that_is_not_about_the_token_is_not_counted(self):
        site, caller = site_of("workdrive"), Caller()
        missing = await caller.get(site, token="")

        assert (missing.status_code, caller.fake.requests.rejected) == (500, 0)


ORGANIZATIONS = {
    "desk": ({"headers": {"orgId": "7"}}, 403, "OAUTH_ORG_MISMATCH", 403, "OAUTH_ORG_MISMATCH"),
    "analytics": ({"headers": {"ZANALYTICS-ORGID": "7"}}, 400, "8083", 404, "7103"),
    "books": ({"params": {"organization_id": "7"}}, 400, "6041", 400, "6041"),
    "inventory": ({"params": {"organization_id": "7"}}, 400, "6041", 400, "6041"),
    "invoice": ({"headers": {"X-com-zoho-invoice-organizationid": "7"}}, 400, "6041", 400, "6041"),
    "billing": ({"headers": {"X-com-zoho-subscriptions-organizationid": "7"}}, 400, "6041", 400, "6041"),
}


class TestOrganization:
    @pytest.mark.parametrize(
        ("product", "named", "missing", "code", "wrong", "wrong_code"),
        [(product, *row) for product, row in ORGANIZATIONS.items()],
    )
    async def test_it_is_named_each_products_own_way(self, product, named, missing, code, wrong, wrong_code):
        caller, site = Caller(), site_of(product)
        caller.fake.require_organization(site.example, "7")
        other = json.loads(json.dumps(named).replace('"7"', '"8"'))
        right, without, another = (
            await caller.get(site, **named),
            await caller.get(site),
            await caller.get(site, **other),
        )

        assert (right.status_code, without.status_code, another.status_code) == (200, missing, wrong)
        assert code in without.text
        assert wrong_code in another.text

    async def test_invoice_takes_the_parameter_too(self):
        caller, site = Caller(), site_of("invoice")
        caller.fake.require_organization(site.example, "7")

        assert (await caller.get(site, params={"organization_id": "7"})).status_code == 200

    async def test_the_list_of_organizations_needs_none(self):
        caller, site = Caller(), site_of("desk")
        caller.fake.require_organization("/api/v1", "7")
        statuses = [
            (await caller.get(site, path=path)).status_code
            for path in ("/api/v1/organizations", "/api/v1/agents")
        ]

        assert statuses == [200, 403]

    async def test_a_dead_token_is_told_first(self):
        caller, site = Caller(), site_of("books")
        caller.fake.require_organization("/", "7")

        is_said(await caller.get(site, token="dead"), site.dialect.dead_token)

    async def test_products_without_a_way_to_name_it_are_not_asked(self):
        caller = Caller()
        caller.fake.require_organization("/", "7")

        assert (await caller.get(site_of("crm"))).status_code == 200


class TestLimits:
    @pytest.mark.parametrize("site", ROWS)
    async def test_it_is_told_in_the_dialect_as_often_as_planned(self, site):
        caller = Caller()
        caller.fake.limit(site.example, times=2)
        answers = [await caller.get(site) for _ in range(3)]

        usual = next(iter(site.dialect.limits.values()))
        for each in answers[:2]:
            is_said(each, usual, site.example)
        assert answers[2].status_code == 200

    @pytest.mark.parametrize("code", sorted(LIMITS))
    async def test_each_one_can_be_chosen(self, code):
        site = next(each for each in SITES if code in each.dialect.limits)
        caller = Caller()
        caller.fake.limit(code=code)

        is_said(await caller.get(site), site.dialect.limits[code], site.example)

    async def test_they_carry_the_headers_of_their_product(self):
        caller = Caller()
        caller.fake.limit(times=4)
        desk, projects, books, creator = [
            await caller.get(site_of(each)) for each in ("desk", "projects", "books", "creator")
        ]

        assert (desk.status_code, desk.headers["X-Rate-Limit-Remaining-v3"]) == (429, "0")
        assert (desk.headers["Retry-After"], desk.headers["X-Rate-Limit-Request-Weight-v3"]) == ("3600", "1")
        assert (projects.headers["RateLimit-Remaining"], projects.headers["Retry-After"]) == ("0", "600")
        assert (books.status_code, books.json()["code"], "Retry-After" in books.headers) == (429, 44, False)
        assert (creator.status_code, creator.json()["code"]) == (200, 4000)

    async def test_other_paths_are_not_limited(self):
        caller = Caller()
        caller.fake.limit("/crm/v8/Deals")

        assert (await caller.get(site_of("crm"))).status_code == 200

    def test_a_code_that_nobody_says_is_refused(self):
        with pytest.raises(ValueError, match="no product limits with 'x'"):
            FakeZoho().limit(code="x")

    @pytest.mark.parametrize("site", ROWS)
    async def test_a_permission_that_is_missing_is_told_in_the_dialect(self, site):
        caller = Caller()
        caller.fake.forbid(site.example)
        refused, accepted = await caller.get(site), await caller.get(site)

        is_said(refused, site.dialect.permission, site.example)
        assert accepted.status_code == 200
