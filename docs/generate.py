"""Writes the pages that are made from code: `python -m docs.generate`. A test fails when they are out of date."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from docs.generate_error_codes import PAGE, error_codes
from zoho_oauth import DataCenter, Product

REFERENCE = Path(__file__).parent / "reference"

HEAD = """\
# Data centers

Zoho's data centers are separate worlds: client secrets, owners and tokens of one are unknown in another.
Wherever a data center is asked for, its code will do, in any case: `data_center="eu"`.

This page is made from the library's own table by `python -m docs.generate`.

"""

HOSTS = """
## Hosts that may carry a token

Over https, on the standard port, and only the hosts of the owner's own data center:
its accounts server and API gateway from the table above, and every host of the [products](products.md):

"""

TAIL = """
The hosts are compared whole: no prefix, suffix or pattern.
Others are named by `allow_hosts`, see [calling other hosts](../how-to/call-other-hosts.md).

Where there is no `content`, CRM takes uploads at [a host of another name](products.md#hosts-of-another-name).

`uk`, `ae` and `sg` are missing from some of Zoho's own lists; they answer.
Canada's accounts server and products are at `zohocloud.ca`, its API gateway is at `zohoapis.ca`.
`cn` is run apart from the others: a client of another data center cannot ask for consent there.
"""

PRODUCTS_HEAD = """\
# Products

Where each of Zoho's products answers, and what its requests need besides the token.
`await zoho.base_url(product="desk")` gives the address in the owner's data center, and `Product.get("desk")` the row.

The same table is the list of hosts that may carry a token, besides the accounts server; any other raises
`ForeignHostError`, and so do those of another data center than the owner's.
A host is in the list whether or not the product is sold there.
Products with domains of their own are not, see [calling other hosts](../how-to/call-other-hosts.md).

This page is made from the library's own table by `python -m docs.generate`.

## Where they answer

In the other data centers the domains differ, see [data centers](data-centers.md), and the rest is as in `eu`, but for
[hosts of another name](#hosts-of-another-name).
Canada has two: `zohoapis.ca` is the gateway's and `zohocloud.ca` the products'.

| code | product | in `eu` | in `ca` | path | organization | note |
|---|---|---|---|---|---|---|
"""

PRODUCTS_FOOT = """
The path is how those of the current API begin; it is empty if no page said.
The organization is what names it in a request; it is empty if none was seen.
The library adds neither to your requests.
"""

ELSEWHERE = """
## Hosts of another name

"""

MORE_HOSTS = """
## More hosts that may carry a token

They answer as well, or did; here in `eu`:

"""

SOURCES = """
## Sources

Where each row was seen:

"""


def data_centers() -> str:
    """The page `reference/data-centers.md`."""
    head = "| code | accounts server | API gateway | products |\n|---|---|---|---|\n"
    rows = "".join(
        f"| `{each.code}` | {each.accounts} | {each.api} | {product_domain(each)} |\n"
        for each in DataCenter.all()
    )
    return HEAD + head + rows + HOSTS + "".join(f"- {line}\n" for line in host_lines()) + TAIL


def host_lines() -> list[str]:
    """Which subdomains are allowed, and where one is not."""
    gateways, products = zip(*map(labels, DataCenter.all()), strict=True)
    return [
        f"at the domain of the API gateway: {with_gaps(gateways)}",
        f"at the domain of the products: {with_gaps(products)}",
    ]


def with_gaps(found: tuple[list[str], ...]) -> str:
    """`a`, `b` (not in `ca`): the subdomains that any data center has."""
    places = dict(zip((each.code for each in DataCenter.all()), found, strict=True))
    every = sorted({label for here in found for label in here})
    gaps = {label: [code for code, here in places.items() if label not in here] for label in every}
    return ", ".join(
        f"`{label}`" + (f" (not in {quoted(missing)})" if missing else "") for label, missing in gaps.items()
    )


def quoted(words: Iterable[str]) -> str:
    """`ca`, `sa`."""
    return ", ".join(f"`{word}`" for word in words)


def labels(data_center: DataCenter) -> tuple[list[str], list[str]]:
    """The subdomains at the gateway's domain and at the products' domain."""
    gateway = data_center.api.removeprefix("https://www.")
    return below(data_center, gateway), below(data_center, product_domain(data_center))


def below(data_center: DataCenter, domain: str) -> list[str]:
    """The subdomains of `domain` that may carry a token, but for the accounts server."""
    hosts = (host for _, host, _ in data_center.origins if f"https://{host}" != data_center.accounts)
    return sorted(host.removesuffix(f".{domain}") for host in hosts if host.endswith(f".{domain}"))


def product_domain(data_center: DataCenter) -> str:
    """`zoho.eu`: the accounts server's own domain."""
    return data_center.accounts.removeprefix("https://accounts.")


def products() -> str:
    """The page `reference/products.md`."""
    every = Product.all()
    return "".join(
        [
            PRODUCTS_HEAD,
            *(f"| {' | '.join(product_row(each))} |\n" for each in every),
            PRODUCTS_FOOT,
            ELSEWHERE,
            *(exceptions_line(each) for each in every if each.exceptions),
            MORE_HOSTS,
            *(f"- `{each.code}`: {quoted(more_hosts(each))}\n" for each in every if each.also),
            SOURCES,
            *(f"- `{each.code}`: {each.source}\n" for each in every),
        ]
    )


def product_row(product: Product) -> list[str]:
    """Code, name, host in eu, host in ca, path, organization, note."""
    hosts = (f"`{host(each, product)}`" for each in ("eu", "ca"))
    path = f"`{product.path}`" if product.path else ""
    return [f"`{product.code}`", product.name, *hosts, path, product.organization, product.note]


def exceptions_line(product: Product) -> str:
    """The line of a product whose host has another name in some data centers."""
    places = (f"`{there}` in `{code}`" for code, there in product.exceptions.items())
    return f"- `{product.code}`: {', '.join(places)}; elsewhere as `{host('eu', product)}`\n"


def more_hosts(product: Product) -> list[str]:
    """Where else it answers in eu."""
    return [f"{each}.{product_domain(DataCenter.get('eu'))}" for each in product.also]


def host(data_center: str, product: Product) -> str:
    """`desk.zoho.eu`."""
    return DataCenter.get(data_center).base_url(product).removeprefix("https://")


if __name__ == "__main__":
    (REFERENCE / "data-centers.md").write_text(data_centers(), encoding="utf-8")
    (REFERENCE / "products.md").write_text(products(), encoding="utf-8")
    PAGE.write_text(error_codes(), encoding="utf-8")
