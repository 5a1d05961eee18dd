"""The table of products and hosts, against hosts written down by hand."""

from __future__ import annotations

import pickle

import pytest
from attrs.exceptions import FrozenInstanceError

from zoho_oauth import DataCenter, Product
from zoho_oauth._data_centers import origin_of, products_at
from zoho_oauth.errors import ConfigurationError

#: Data center → the domain of its gateway, the domain of its products.
DOMAINS = {
    "us": ("zohoapis.com", "zoho.com"),
    "eu": ("zohoapis.eu", "zoho.eu"),
    "in": ("zohoapis.in", "zoho.in"),
    "au": ("zohoapis.com.au", "zoho.com.au"),
    "jp": ("zohoapis.jp", "zoho.jp"),
    "ca": ("zohoapis.ca", "zohocloud.ca"),
    "sa": ("zohoapis.sa", "zoho.sa"),
    "uk": ("zohoapis.uk", "zoho.uk"),
    "cn": ("zohoapis.com.cn", "zoho.com.cn"),
    "ae": ("zohoapis.ae", "zoho.ae"),
    "sg": ("zohoapis.sg", "zoho.sg"),
}
FINANCE = ["billing", "books", "expense", "inventory", "invoice"]
AT_THE_GATEWAY = [*FINANCE, "bigin", "bookings", "creator-v2.1", "crm", "phonebridge", "workdrive", "writer"]
CRM_ENVIRONMENTS = {"crm-developer": "developer", "crm-sandbox": "sandbox", "crm-upload": "content"}
UPLOADS_ELSEWHERE = {"ca": "upload.zohocloud.ca", "sa": "files.zoho.sa"}
#: The traps: pages, or an answer's `api_domain`, suggest the gateway or another name.
ON_THEIR_OWN = {
    "analytics": "analyticsapi",
    "campaigns": "campaigns",
    "catalyst": "api.catalyst",
    "cliq": "cliq",
    "creator": "creator",
    "desk": "desk",
    "mail": "mail",
    "people": "people",
    "projects": "projects",
    "projects-v2": "projectsapi",
    "recruit": "recruit",
    "sign": "sign",
    "sprints": "sprintsapi",
    "workdrive-download": "download",
    "workdrive-upload": "upload",
}
NAMED_BY_CODE = [
    "assist",
    "calendar",
    "commerce",
    "files",
    "meeting",
    "salesiq",
    "sheet",
    "thrive",
    "webinar",
]
#: Hosts of gateway products that answer as well, or did.
OLDER_HOSTS = ["books", "download-accl", "expense", "inventory", "invoice", "subscriptions", "workdrive"]
IN_CANADA = {
    "analytics": "analyticsapi.zohocloud.ca",
    "bigin": "www.zohoapis.ca",
    "campaigns": "campaigns.zohocloud.ca",
    "catalyst": "api.catalyst.zohocloud.ca",
    "cliq": "cliq.zohocloud.ca",
    "crm": "www.zohoapis.ca",
    "crm-developer": "developer.zohoapis.ca",
    "crm-sandbox": "sandbox.zohoapis.ca",
    "crm-upload": "upload.zohocloud.ca",
    "desk": "desk.zohocloud.ca",
    "mail": "mail.zohocloud.ca",
    "people": "people.zohocloud.ca",
    "recruit": "recruit.zohocloud.ca",
    "workdrive-download": "download.zohocloud.ca",
}


def expected() -> dict[tuple[str, str], str]:
    """(data center, product) → host."""
    hosts = {}
    for code, (gateway, products) in DOMAINS.items():
        hosts |= {(code, product): f"www.{gateway}" for product in AT_THE_GATEWAY}
        hosts |= {(code, product): f"{label}.{gateway}" for product, label in CRM_ENVIRONMENTS.items()}
        hosts |= {(code, product): f"{label}.{products}" for product, label in ON_THEIR_OWN.items()}
        hosts |= {(code, product): f"{product}.{products}" for product in NAMED_BY_CODE}
    return hosts | {(code, "crm-upload"): host for code, host in UPLOADS_ELSEWHERE.items()}


def said(code: str, product: str) -> str:
    return DataCenter.get(code).base_url(product).removeprefix("https://")


def wrong(said) -> list[tuple[str, str]]:
    return [place for place, host in expected().items() if said(*place) != host]


# What the table must not become.


def all_at_the_gateway(code, product):
    return f"www.{DOMAINS[code][0]}"


def canada_like_the_others(code, product):
    return said(code, product).replace("zohocloud.ca", "zoho.ca")


def canada_with_one_domain(code, product):
    return said(code, product).replace("zohoapis.ca", "zohocloud.ca")


def uploads_alike(code, product):
    return f"content.{DOMAINS[code][0]}" if product == "crm-upload" else said(code, product)


class TestHosts:
    def test_every_product_in_every_data_center_is_where_it_was_seen(self):
        hosts = expected()

        assert wrong(said) == []
        assert {code for code, _ in hosts} == {each.code for each in DataCenter.all()}
        assert {product for _, product in hosts} == {each.code for each in Product.all()}
        assert len(hosts) == 11 * len(Product.all()) == 11 * 39

    @pytest.mark.parametrize(
        ("broken", "place"),
        [
            (all_at_the_gateway, ("in", "recruit")),
            (canada_like_the_others, ("ca", "desk")),
            (canada_with_one_domain, ("ca", "crm")),
            (uploads_alike, ("ca", "crm-upload")),
            (uploads_alike, ("sa", "crm-upload")),
        ],
    )
    def test_a_broken_table_is_noticed(self, broken, place):
        assert place in wrong(broken)

    def test_canada_in_full(self):
        assert {product: said("ca", product) for product in IN_CANADA} == IN_CANADA

    @pytest.mark.parametrize("code", DOMAINS)
    def test_every_address_is_an_https_origin_that_may_carry_a_token(self, code):
        data_center = DataCenter.get(code)
        for product in Product.all():
            base_url = data_center.base_url(product)
            scheme, host, port = origin_of(base_url)

            assert base_url == f"https://{host}" == data_center.base_url(product.code.upper())
            assert (scheme, port) == ("https", None)
            assert (scheme, host, port) in data_center.origins

    @pytest.mark.parametrize("code", DOMAINS)
    def test_nothing_else_may_carry_one(self, code):
        _, products = DOMAINS[code]
        known = {host for (where, _), host in expected().items() if where == code}
        older = {f"{label}.{products}" for label in OLDER_HOSTS}

        hosts = {host for _, host, _ in DataCenter.get(code).origins}

        assert hosts == known | older | {f"accounts.{products}"}

    def test_a_data_center_of_ones_own_has_one_address_for_all(self):
        own = DataCenter(code="own", accounts="https://a.example", api="https://b.example:8443")

        assert {own.base_url(product) for product in Product.all()} == {"https://b.example:8443"}
        with pytest.raises(ConfigurationError, match="no such product"):
            own.base_url("fax")


class TestRows:
    def test_codes_are_unique_and_sorted(self):
        codes = [product.code for product in Product.all()]

        assert codes == sorted(set(codes))

    def test_every_row_has_a_name_and_says_where_it_was_seen(self):
        assert all(product.name and len(product.source) > 5 for product in Product.all())

    def test_a_path_begins_and_does_not_end_with_a_slash(self):
        paths = [product.path for product in Product.all() if product.path]

        assert len(paths) > 20
        assert all(path.startswith("/") and not path.endswith("/") for path in paths)

    @pytest.mark.parametrize(
        ("code", "path", "organization"),
        [
            ("analytics", "/restapi/v2", "`ZANALYTICS-ORGID`"),
            ("bigin", "/bigin/v2", "none"),
            ("billing", "/billing/v1", "`X-com-zoho-subscriptions-organizationid`"),
            ("books", "/books/v3", "`organization_id`"),
            ("campaigns", "/api/v1.1", ""),
            ("catalyst", "", "project id"),
            ("creator", "/api/v2", "owner and application"),
            ("crm", "/crm/v8", "none"),
            ("desk", "/api/v1", "`orgId`"),
            ("inventory", "/inventory/v1", "`organization_id`"),
            ("invoice", "/invoice/v3", "`X-com-zoho-invoice-organizationid`"),
            ("mail", "/api", "account id"),
            ("projects", "/api/v3", "portal id"),
            ("projects-v2", "/restapi", "portal id"),
            ("recruit", "/recruit/v2", "none"),
            ("sprints", "/zsapi", "team id"),
            ("workdrive", "/workdrive/api/v1", ""),
        ],
    )
    def test_it_says_what_its_requests_need(self, code, path, organization):
        product = Product.get(code)

        assert product.path == path
        assert organization in product.organization
        assert bool(organization) == bool(product.organization)

    def test_it_is_a_value(self):
        desk = Product.get("desk")

        assert pickle.loads(pickle.dumps(desk)) == desk
        assert len({desk, Product.get("DESK")}) == 1
        with pytest.raises(FrozenInstanceError):
            desk.code = "crm"

    def test_its_repr_shows_what_people_write_requests_with(self):
        shown = repr(Product.get("desk"))

        assert "orgId" in shown
        assert "source" not in shown


class TestGet:
    @pytest.mark.parametrize("code", ["desk", "DESK", " Desk\n", "dEsK"])
    def test_a_code_is_found_in_any_case(self, code):
        assert Product.get(code).code == "desk"

    def test_a_product_comes_back_as_it_is(self):
        assert all(Product.get(product) is product for product in Product.all())

    def test_all_are_found_by_their_codes(self):
        assert tuple(Product.get(product.code) for product in Product.all()) == Product.all()

    @pytest.mark.parametrize(
        "code", ["", "fax", "desk.zoho.eu", "www", "accounts", None, 7, b"desk", ["desk"]]
    )
    def test_an_unknown_one_lists_the_known_ones_and_does_not_repeat_it(self, code):
        with pytest.raises(ConfigurationError) as caught:
            Product.get(code)

        assert ", ".join(each.code for each in Product.all()) in str(caught.value)
        assert "fax" not in str(caught.value)


class TestProductsAt:
    @pytest.mark.parametrize(
        ("host", "path", "codes"),
        [
            # the gateway: by path
            ("www.zohoapis.eu", "/crm/v8/Leads", ["crm"]),
            ("www.zohoapis.ca", "/bigin/v2/Contacts", ["bigin"]),
            ("www.zohoapis.com.au", "/books/v3/invoices", ["books"]),
            ("www.zohoapis.in", "/workdrive/api/v1/files/1", ["workdrive"]),
            ("www.zohoapis.eu", "/creator/v2.1/data/me/shop", ["creator-v2.1"]),
            ("www.zohoapis.eu", "/crmx/v8/Leads", []),
            ("www.zohoapis.eu", "/x/crm/v8/Leads", []),
            ("www.zohoapis.eu", "/recruit/v2/Candidates", []),
            ("www.zohoapis.eu", "/", []),
            ("www.zohoapis.eu", "", []),
            # a host of its own: whatever the path
            ("desk.zoho.eu", "/api/v1/tickets", ["desk"]),
            ("desk.zoho.eu", "/crm/v8/Leads", ["desk"]),
            ("mail.zohocloud.ca", "/api/accounts", ["mail"]),
            ("projectsapi.zoho.com", "/restapi/portals/", ["projects-v2"]),
            ("sandbox.zohoapis.eu", "/crm/v8/Leads", ["crm-sandbox"]),
            ("developer.zohoapis.jp", "/crm/v8/Leads", ["crm-developer"]),
            ("content.zohoapis.eu", "/crm/v8/upload", ["crm-upload"]),
            ("workdrive.zoho.eu", "/api/v1/files/1", ["workdrive"]),
            ("subscriptions.zoho.eu", "/api/v1/plans", ["billing"]),
            ("download-accl.zoho.eu", "/v1/workdrive/download/1", ["workdrive-download"]),
            # two products at one host: by path
            ("upload.zohocloud.ca", "/crm/v8/upload", ["crm-upload"]),
            ("upload.zohocloud.ca", "/workdrive-api/v1/stream/upload", ["workdrive-upload"]),
            ("upload.zohocloud.ca", "/else", []),
            ("upload.zoho.eu", "/else", ["workdrive-upload"]),
            ("files.zoho.sa", "/crm/v8/upload", ["crm-upload"]),
            ("files.zoho.sa", "/else", []),
            ("files.zoho.eu", "/else", ["files"]),
            # not Zoho's: by path
            ("127.0.0.1", "/desk/api/v1/tickets", ["desk"]),
            ("127.0.0.1", "/crm/v8/Leads", ["crm", "crm-developer", "crm-sandbox", "crm-upload"]),
            ("gateway.example", "/books/v3/invoices", ["books"]),
            ("gateway.example", "/api/v1/tickets", []),
            ("gateway.example", "/workdrive-api/v1/stream/upload", []),
            # nobody's
            ("desk.zoho.ca", "/api/v1/tickets", []),
            ("evil.example", "/", []),
            ("", "", []),
        ],
    )
    def test_it_tells_by_host_and_path(self, host, path, codes):
        assert [product.code for product in products_at(host, path)] == codes

    def test_it_names_every_product_at_its_own_address(self):
        checked = 0
        for (_, code), host in expected().items():
            path = Product.get(code).path or f"/{code}"
            at_host = [product.code for product in products_at(host, f"{path}/something")]
            if (host, code) != ("files.zoho.sa", "files"):
                assert at_host == [code]
                checked += 1

        assert checked == 11 * 39 - 1
