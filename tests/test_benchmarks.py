"""The benchmarks run, and what they count is so. Nothing here is timed."""

from __future__ import annotations

import pathlib

import anyio
import httpx
import pytest

from benchmarks import __main__ as program
from benchmarks import fast_path, report
from benchmarks.measures import TINY, Figure, compare, symmetric
from zoho_oauth.stores.memory import MemoryStore


@pytest.mark.parametrize("part", program.PARTS)
def test_each_part_runs_end_to_end(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([part, "--tiny"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert sum("pass" in line or "MISS" in line for line in lines) >= 2


# --- the fast path ---------------------------------------------------------------------------------------


def test_a_request_with_a_good_token_asks_no_store_and_takes_no_lock() -> None:
    counts = anyio.run(fast_path.fast_path, 10)

    assert counts == fast_path.Counts(store_calls=0, locks=0, token_requests=0)


class LocksEachRequest(httpx.Auth):
    """A broken twin."""

    def __init__(self, auth: httpx.Auth, _: MemoryStore) -> None:
        self._auth = auth

    async def async_auth_flow(self, request):
        async with anyio.Lock():
            pass
        request.headers["Authorization"] = "Zoho-oauthtoken 1000.fake-access-1"
        yield request


class LoadsEachRequest(LocksEachRequest):
    """Another broken twin."""

    def __init__(self, auth: httpx.Auth, store: MemoryStore) -> None:
        self._store = store

    async def async_auth_flow(self, request):
        await self._store.load("owner")
        yield request


class SavesEachRequest(LoadsEachRequest):
    """The store's own mutex counts too."""

    async def async_auth_flow(self, request):
        await self._store.save("owner", "text", replacing=None)
        yield request


@pytest.mark.parametrize(
    ("twin", "least"),
    [
        (LocksEachRequest, fast_path.Counts(locks=10)),
        (LoadsEachRequest, fast_path.Counts(store_calls=10)),
        (SavesEachRequest, fast_path.Counts(store_calls=10, locks=10)),
    ],
)
def test_the_count_sees_an_auth_that_does(twin: type[httpx.Auth], least: fast_path.Counts) -> None:
    counts = anyio.run(fast_path.fast_path, 10, twin)

    assert (counts.store_calls, counts.locks) == (least.store_calls, least.locks)


# --- the report ------------------------------------------------------------------------------------------

KEPT = Figure(name="one", value=1.0, limit=1.02, noise=1.001)
MISSED = Figure(name="two", value=31.0, limit=30.0, unit="ms")
WITHOUT_LIMIT = Figure(name="three", value=5.0, unit="µs")


def test_a_missed_limit_is_the_exit_code_with_check_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fast_path, "measure", lambda _: [MISSED])

    assert program.main(["fast_path", "--check"]) == 1
    assert program.main(["fast_path"]) == 0
    assert "MISS" in capsys.readouterr().out


def test_kept_limits_pass_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_path, "measure", lambda _: [KEPT, WITHOUT_LIMIT])

    assert program.main(["fast_path", "--check"]) == 0


def test_the_page_keeps_its_words_and_gets_new_figures(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n", "utf-8")

    report.write([KEPT, MISSED], tmp_path)
    report.write([KEPT, WITHOUT_LIMIT], tmp_path)

    text = page.read_text("utf-8")
    assert text.startswith("# Before\n\n")
    assert text.endswith("\n\nAfter.\n")
    assert "| one | 1.000 × | 1.020 × | 1.001 × | pass |" in text
    assert "two" not in text
    assert "old" not in text


def test_the_plot_is_the_same_for_the_same_figures(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"

    assert report.plot([KEPT, MISSED], first)
    assert report.plot([KEPT, MISSED], second)

    assert first.read_bytes() == second.read_bytes()


def test_arms_run_equally_often_and_each_in_every_place() -> None:
    order: list[str] = []

    def arm(name: str):
        async def run() -> None:
            order.append(name)

        return run

    rounds = 6
    anyio.run(lambda: compare(arm("ours"), arm("control"), arm("again"), rounds=rounds, operations=1))

    turns = [tuple(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert len(turns) == rounds + 1
    assert {turn.index("ours") for turn in turns} == {0, 1, 2}


def test_noise_counts_the_same_in_both_directions() -> None:
    assert symmetric(0.5) == symmetric(2.0) == 2.0


def test_the_tiny_effort_is_tiny() -> None:
    assert max(TINY.tasks, TINY.herd) <= 20
