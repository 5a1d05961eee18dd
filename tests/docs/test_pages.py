"""What the pages say about the code is what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs
import pytest

import zoho_oauth
from docs import generate
from tests.corpus_urls import HOSTILE_URLS
from tests.docs.markdown import PAGES, ROOT, blocks, name
from zoho_oauth import DataCenter, Product, RefreshPolicy, _policy, errors, events
from zoho_oauth._version import VERSION

REFERENCE = ROOT / "docs" / "reference"
#: Drawn by hand; the chart of the benchmarks is made by a program, with a frame of its own.
IMAGES = sorted(image for image in (ROOT / "docs" / "img").glob("*.svg") if image.name != "benchmarks.svg")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`+[^`]*`+")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without its code."""
    return CODE.sub("", re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S))


def table_rows(page: str) -> dict[str, list[str]]:
    """The tables' rows by the word in their first cell."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text(page), re.MULTILINE)
    return {first: [cell.strip() for cell in rest.split(" | ")] for first, rest in rows}


def classes(module: Any, base: type) -> dict[str, type]:
    return {
        key: each for key, each in vars(module).items() if isinstance(each, type) and issubclass(each, base)
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_project_leads_somewhere(page: Path):
    targets = [target for target in LINK.findall(prose(page)) if "://" not in target]

    missing = [target for target in targets if not (page.parent / target.partition("#")[0]).exists()]

    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT], ids=name)
def test_every_page_is_reached_from_the_index(page: Path):
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(prose(index))}

    assert page == index or page in linked


def test_every_error_is_on_the_page_under_its_family():
    sections = re.split(r"^## ", text("docs/reference/errors.md"), flags=re.MULTILINE)
    found = {key: each for key, each in classes(errors, errors.ZohoOAuthError).items() if each.family}
    assert len(found) >= 20

    for key, each in found.items():
        family = next(base for base in each.__mro__ if base.__base__ is errors.ZohoOAuthError)
        (section,) = [part for part in sections if f"`{family.__name__}`\n" in part.split("\n\n")[0] + "\n"]
        assert f"`{key}`" in section


def test_every_error_says_what_happened_and_what_to_do():
    leaves = {
        key
        for key, each in classes(errors, errors.ZohoOAuthError).items()
        if each.__base__ is not errors.ZohoOAuthError and each is not errors.ZohoOAuthError
    }
    rows = table_rows("docs/reference/errors.md")

    assert leaves <= rows.keys()
    assert all(len(rows[key]) == 2 and all(rows[key]) for key in leaves)


def test_every_number_of_the_policy_is_on_the_page_with_its_reason():
    rows = table_rows("docs/reference/limits.md")
    fixed = {key: value for key, value in vars(_policy).items() if key.isupper()}
    defaults = {each.name: each.default for each in attrs.fields(RefreshPolicy)}
    numbers = fixed | defaults
    assert len(numbers) >= 25

    assert rows.keys() == numbers.keys()
    for key, (value, why) in rows.items():
        expected = numbers[key]
        assert value == (f'`"{expected}"`' if isinstance(expected, str) else f"{expected:g}"), key
        assert len(why) > 20


def test_every_event_is_on_the_page_with_its_fields():
    rows = table_rows("docs/reference/events.md")
    found = classes(events, events.Event)
    found.pop("Event")

    assert rows.keys() == found.keys()
    for key, each in found.items():
        assert re.findall(r"`(\w+)`", rows[key][1]) == [field.name for field in attrs.fields(each)]


def test_the_page_of_data_centers_is_what_the_table_makes():
    assert generate.data_centers() == (REFERENCE / "data-centers.md").read_text(encoding="utf-8")


def test_the_page_of_data_centers_says_where_a_host_is_missing():
    assert "`content` (not in `ca`, `sa`)," in text("docs/reference/data-centers.md")


def test_the_page_of_products_is_what_the_table_makes():
    assert generate.products() == (REFERENCE / "products.md").read_text(encoding="utf-8")


def differing(page: str) -> list[str]:
    """The products that `page` says something else of than the table."""
    rows = {row.split(" |", 1)[0]: row for row in re.findall(r"^\| (.*) \|$", page, re.MULTILINE)}
    return [
        each.code
        for each in Product.all()
        if rows.get(f"`{each.code}`", "").split(" | ") != cells(each)
        or f"\n- `{each.code}`: {each.source}\n" not in page
    ]


def cells(product: Product) -> list[str]:
    hosts = [DataCenter.get(code).base_url(product).removeprefix("https://") for code in ("eu", "ca")]
    path = f"`{product.path}`" if product.path else ""
    return [
        f"`{product.code}`",
        product.name,
        *(f"`{host}`" for host in hosts),
        path,
        product.organization,
        product.note,
    ]


def test_the_page_of_products_has_every_row_with_its_source():
    page = text("docs/reference/products.md")

    assert differing(page) == []
    assert differing(page.replace("`desk.zohocloud.ca`", "`desk.zoho.ca`")) == ["desk"]
    assert differing(page.replace("header `orgId`", "header `orgid`")) == ["desk"]
    assert differing(page.replace("bigin.com/developer", "bigin.example")) == ["bigin"]


def test_the_page_of_products_has_every_host_that_may_carry_a_token():
    page = text("docs/reference/products.md")
    uploads = "`crm-upload`: `upload.zohocloud.ca` in `ca`, `files.zoho.sa` in `sa`"
    of_eu = {host for _, host, _ in DataCenter.get("eu").origins} - {"accounts.zoho.eu"}

    assert uploads in page
    assert of_eu <= set(re.findall(r"`([a-z0-9.-]+)`", page))


def test_every_variable_that_is_read_is_on_the_page():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "zoho_oauth").rglob("*.py"))
    read = set(re.findall(r"[\"']((?:ZOHO|SSL)_[A-Z_]+)[\"']", sources))

    assert len(read) >= 4
    assert read <= set(re.findall(r"`([A-Z_]+)`", text("docs/reference/environment.md")))


def test_the_readme_shows_a_program_on_its_first_screen():
    first = text("README.md").splitlines()[:40]

    assert "```python" in first
    assert "```text output" in first


def test_the_readme_counts_the_hostile_urls():
    assert f"{len(HOSTILE_URLS)} hostile URLs" in text("README.md")


def test_the_two_commands_are_one_line_each():
    commands = [block.text for block in blocks(ROOT / "README.md") if block.words == ("bash",)]

    assert commands == [
        "python -m pip install '.[testing]' && python -m zoho_oauth.demo\n",
        "python -m pip install -e '.[dev]' && python -m pytest\n",
    ]


def test_the_readme_promises_no_name_that_is_not_there():
    named = set(re.findall(r"from zoho_oauth import ([\w, ]+)", text("README.md")))

    assert named
    assert {word for line in named for word in line.split(", ")} <= set(zoho_oauth.__all__)


def test_the_changelog_has_the_version():
    assert f"## [{VERSION}]" in text("CHANGELOG.md")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_holds_what_looks_like_a_real_token(page: Path):
    assert not re.search(r"1000\.[0-9a-f]{32}", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_diagram_is_whole_has_a_title_and_a_dark_side(image: Path):
    root = ElementTree.parse(image).getroot()

    assert root.attrib["viewBox"]
    assert root.attrib["role"] == "img"
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in image.read_text(encoding="utf-8")


def test_every_diagram_is_shown_somewhere():
    shown = {
        Path(target).name for page in PAGES for target in LINK.findall(prose(page)) if target.endswith(".svg")
    }

    assert shown - {"benchmarks.svg"} == {image.name for image in IMAGES}
    assert len(shown) >= 4
