"""The pages about error codes, against the library."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import attrs
import httpx
import pytest

from docs.generate_error_codes import PAGE, calls_for_refresh, error_codes
from tests.auth import LIBRARIES, naive_auth
from tests.docs.markdown import ROOT
from tests.scale import count
from zoho_oauth import (
    DataCenter,
    ErrorCode,
    Family,
    RefreshPolicy,
    TokenEndpoint,
    ZohoOAuth,
    errors,
    explain,
)
from zoho_oauth import _error_codes as library
from zoho_oauth._rejections import ApiAnswer, read_rejection
from zoho_oauth.testing import FakeZoho, Rules
from zoho_oauth.testing.answers import SCOPE_MISMATCH, Answer, json_answer

TEXT = PAGE.read_text(encoding="utf-8")
STAYS = (ROOT / "docs" / "how-to" / "when-a-401-stays.md").read_text(encoding="utf-8")
OWN = (ROOT / "docs" / "how-to" / "add-an-error-code.md").read_text(encoding="utf-8")
JSON = "application/json"
EU = DataCenter.get("eu")


def section(title: str, page: str = TEXT) -> str:
    (found,) = (part for part in page.split("\n## ") if part.startswith(f"{title}\n"))
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


RENEWED, HANDED_BACK = rows(section("What asks for a new token")), rows(section("What is handed back"))


def in_backticks(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def body(code: str, where: str, message: str = "") -> Any:
    """A body as a row of the page describes it."""
    value: Any = code
    for step in reversed(where.split(".")):
        value = [value] if step == "*" else {step: value}
    return {"said": message, **value}


def answers(cells: list[str]) -> list[ApiAnswer]:
    """An answer of each product and each status of a row."""
    products, code, where, statuses, *_ = cells
    written = json.dumps(body(*(in_backticks(code)[0], in_backticks(where)[0], *in_backticks(code)[1:])))
    hosts = [EU.base_url(each).removeprefix("https://") for each in in_backticks(products)]
    paths = [f"/{each.partition('-')[0]}/v1" for each in in_backticks(products)]
    return [
        ApiAnswer(host=host, path=path, status=status, content_type=JSON, body=written.encode())
        for host, path in zip(hosts or ["own.example"], paths or ["/v1"], strict=True)
        for status in ([int(each) for each in re.findall(r"\d+", statuses)] or [401, 403, 404, 429])
    ]


class TestPage:
    def test_it_is_what_the_table_makes(self):
        assert error_codes() == TEXT

    @pytest.mark.parametrize("change", [{"code": "NEW"}, {"statuses": {500}}, {"source": "somebody"}])
    def test_a_row_that_changes_changes_it(self, change):
        """The control."""
        first, *others = library.ERROR_CODES

        assert error_codes([attrs.evolve(first, **change), *others]) != TEXT

    def test_each_row_of_the_library_is_on_it_once(self):
        on_page = [(cells[0], cells[1], cells[2], cells[4]) for cells in RENEWED + HANDED_BACK]

        assert len(on_page) == len(set(on_page)) == len(library.ERROR_CODES) > 50
        assert {row.source for row in library.ERROR_CODES} == {cells[6] for cells in RENEWED + HANDED_BACK}

    @pytest.mark.parametrize("cells", RENEWED + HANDED_BACK, ids=lambda cells: f"{cells[1]} {cells[0][:20]}")
    def test_what_a_row_says_is_what_the_library_reads(self, cells):
        read = [read_rejection(answer) for answer in answers(cells)]

        assert {each.family.name for each in read} == {cells[4]}
        assert {each.is_ambiguous for each in read} == {cells[5] == "yes"}
        assert {each.code for each in read} == {in_backticks(cells[1])[0]}
        assert {each.calls_for_refresh for each in read} == {cells in RENEWED}

    def test_the_words_are_those_of_the_library(self):
        on_page = {
            word: cells[1]
            for cells in rows(section("Words that products share"))
            for word in in_backticks(cells[0])
        }

        assert on_page == {word: family.name for word, family in library.WORDS.items()}
        assert len(on_page) == len(library.WORDS)

    def test_the_first_table_holds_what_calls_for_a_refresh(self):
        assert len(RENEWED) == sum(calls_for_refresh(row) for row in library.ERROR_CODES) > 15

    def test_the_readme_counts_the_rows(self):
        assert f"{len(library.ERROR_CODES)} rows of error codes" in (ROOT / "README.md").read_text("utf-8")


class World:
    """An owner without a limit of token requests, and a client in process."""

    def __init__(self, **options: Any) -> None:
        self.fake = FakeZoho("eu", rules=Rules(throttle_after=None))
        self.registration = self.fake.register_client()
        self.zoho = ZohoOAuth(
            self.registration,
            policy=RefreshPolicy(mints=10_000, send_deadline=1),
            endpoint=TokenEndpoint(transport=self.fake.transport),
            clock=self.fake.clock,
            **options,
        )

    async def connect(self) -> None:
        await self.zoho.adopt(self.fake.consent(self.registration))

    def client(self, auth: httpx.Auth | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self.fake.transport, auth=auth or self.zoho.auth(), base_url=self.fake.data_center.api
        )

    async def cost(self, answer: Answer, times: int = 1, auth: httpx.Auth | None = None) -> int:
        """How many token requests it takes that so many requests are answered so, first and last."""
        before = self.fake.token_requests
        async with self.client(auth) as client:
            for _ in range(times):
                self.fake.answer_next(answer)
                await client.get("/crm/v8/Leads")
        return self.fake.token_requests - before


@pytest.mark.anyio
class TestNever:
    CODES = ("INVALID_TOKEN", "AUTHENTICATION_FAILURE", "OAUTH_SCOPE_MISMATCH", "UNKNOWN")

    @pytest.mark.parametrize("status", [200, 201, 204, 304, 403, 404, 405, 409, 422, 429, 502, 503])
    async def test_another_status_than_the_three_costs_no_token_request(self, status):
        world = World()
        await world.connect()

        assert [await world.cost(json_answer({"code": code}, status)) for code in self.CODES] == [0] * 4

    @pytest.mark.parametrize(
        ("status", "costs"), [(401, [1, 1, 0, 1]), (400, [1, 0, 0, 0]), (500, [0, 0, 0, 0])]
    )
    async def test_one_of_the_three_costs_what_the_page_says(self, status, costs):
        """The control."""
        world = World()
        await world.connect()

        assert [await world.cost(json_answer({"code": code}, status)) for code in self.CODES] == costs

    async def test_1000_answers_that_a_scope_is_missing_cost_no_token_request(self):
        world, times = World(), count(1_000)
        await world.connect()

        assert await world.cost(SCOPE_MISMATCH, times) == 0
        assert world.fake.requests.resources == times > 0

    async def test_an_auth_that_takes_them_for_dead_tokens_spends_one_on_each(self):
        """The control."""
        world, times = World(), count(1_000)
        await world.connect()

        assert await world.cost(SCOPE_MISMATCH, times, naive_auth(LIBRARIES[0], world.zoho.source())) == times


class TestOwn:
    def test_every_field_is_on_the_page(self):
        fields = [each.name for each in attrs.fields(ErrorCode)]

        assert [in_backticks(cells[0])[0] for cells in rows(section("What a row says", OWN))] == fields

    @pytest.mark.parametrize("status", [403, 404, 429, 402, 501])
    def test_no_row_of_a_token_has_such_a_status(self, status):
        with pytest.raises(errors.ConfigurationError):
            ErrorCode(code="X", at="code", family=Family.TOKEN, statuses=[401, status])
        ErrorCode(code="X", at="code", family=Family.TOKEN, statuses=[401, 400, 500])  # the control

    def test_a_row_of_a_token_names_its_statuses(self):
        with pytest.raises(errors.ConfigurationError):
            ErrorCode(code="X", at="code", family=Family.TOKEN, statuses=[])
        ErrorCode(code="X", at="code", family=Family.SCOPE, statuses=[])  # the control

    @pytest.mark.parametrize("status", [200, 302, 399, 600])
    @pytest.mark.parametrize("family", Family)
    def test_no_row_is_about_success(self, family, status):
        with pytest.raises(errors.ConfigurationError):
            ErrorCode(code="X", at="code", family=family, statuses=[status])

    @pytest.mark.anyio
    async def test_it_is_asked_before_the_librarys(self):
        row = ErrorCode(code="invalid_token", at="code", family=Family.PERMISSION, products="crm")
        world, other = World(error_codes=[row]), World()
        await world.connect()
        await other.connect()
        answer = json_answer({"code": "INVALID_TOKEN"}, 401)

        assert (await world.cost(answer), await other.cost(answer)) == (0, 1)


class TestStays:
    def test_every_family_is_on_the_page_in_its_own_words(self):
        table = rows(section("What each family means, and what to do", STAYS))

        assert [in_backticks(cells[0]) for cells in table] == [[each.name] for each in Family]
        assert [cells[1] for cells in table] == [each.value for each in Family]
        assert all(len(cells) == 4 and len(cells[3]) > 20 for cells in table)

    @pytest.mark.anyio
    async def test_the_line_of_the_log_is_the_one_that_is_logged(self, caplog):
        world = World()
        await world.connect()
        with caplog.at_level(logging.DEBUG, "zoho_oauth"):
            await world.cost(SCOPE_MISMATCH)

        lines = [record.getMessage() for record in caplog.records if record.name == "zoho_oauth"]
        assert len(lines) == 1
        assert f"\n{lines[0]}\n" in STAYS

    def test_a_request_that_lost_its_header_is_explained_as_the_page_says(self):
        response = httpx.Response(401, request=httpx.Request("GET", "https://files.example/x"))

        assert explain(response).family is Family.CREDENTIAL
        assert f'"{explain(response).hint}"' in STAYS
