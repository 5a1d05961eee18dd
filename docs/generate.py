"""Writes the pages that are made from code: `python -m docs.generate`. A test fails when they are out of date."""

from __future__ import annotations

from pathlib import Path

from zoho_oauth import DataCenter

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
its accounts server and API gateway from the table above, and

"""

TAIL = """
The hosts are compared whole: no prefix, suffix or pattern.
Others are named by `allow_hosts`, see [calling other hosts](../how-to/call-other-hosts.md).

Where a product answers is what `base_url` says, for instance `await zoho.base_url("customer-42", "desk")`.

`uk`, `ae` and `sg` are missing from some of Zoho's own lists; they answer.
Canada's accounts server and products are at `zohocloud.ca`, its API gateway is at `zohoapis.ca`.
`cn` is run apart from the others: a client of another data center cannot ask for consent there.
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
    """Which subdomains are allowed; every data center has the same."""
    gateways, products = labels(DataCenter.get("us"))
    if any(labels(each) != (gateways, products) for each in DataCenter.all()):
        raise ValueError("the data centers differ: this page has to say how")
    return [
        f"at the domain of the API gateway: {', '.join(f'`{each}`' for each in gateways)}",
        f"at the domain of the products: {', '.join(f'`{each}`' for each in products)}",
    ]


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


if __name__ == "__main__":
    (REFERENCE / "data-centers.md").write_text(data_centers(), encoding="utf-8")
