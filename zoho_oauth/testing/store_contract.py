"""
`StoreContract`: everything this library asks of a token store, as tests.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self):
            yield MyStore(...)

The `store` fixture may be sync or async, return or yield. Every test runs on asyncio and, where trio is
installed, on trio. A store with `loop_bound = True` runs on asyncio only if its test class says so:

        @pytest.fixture(params=["asyncio"])
        def anyio_backend(self, request):
            return request.param

Owners are new for every test, so that the store may be one that lives on, such as a server.
"""

from __future__ import annotations

import asyncio
import uuid
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
import anyio.to_thread

from zoho_oauth.stores.base import ListsOwners

try:
    import pytest
except ImportError as missing:
    raise ImportError("StoreContract needs pytest: pip install 'zoho-oauth[testing]'") from missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoho_oauth.stores.base import Record, TokenStore

#: No test waits longer for a store, in seconds.
PATIENCE: Final = 30.0
#: Seconds after which a save is cancelled: before, at and after its first steps.
CUTS: Final = (0.0, 0.0002, 0.001, 0.005)
TASKS: Final = 50
THREADS: Final = 4
SWAPS_PER_THREAD: Final = 10

_needs_trio = pytest.mark.skipif(find_spec("trio") is None, reason="trio is not installed")

# Case and white space: folded by some databases' collations. Paths: by file systems. Letters: by encodings.
_CASE_AND_SPACE: Final = ("customer", "Customer", "customer ", " customer", "customer\n", "customer\t", "CON")
_PATHS: Final = (
    ".",
    "..",
    "../customer",
    "/customer",
    "customer/",
    "customer/a",
    "customer\\a",
    "customer%2Fa",
)
_PUNCTUATION: Final = ("customer_a", "customer.a", "customer:a", "customer*", "customer?", "customer'--")
_LETTERS: Final = ("kundin-é", "kundin-e\N{COMBINING ACUTE ACCENT}", "顧客", "\N{GRINNING FACE}")
_LONG: Final = ("x" * 300, "x" * 299 + "y")
#: Names that a store might mix up with each other; the library itself asks for `client_id/owner`.
AWKWARD_OWNERS: Final = (*_CASE_AND_SPACE, *_PATHS, *_PUNCTUATION, *_LETTERS, *_LONG)

TEXTS: Final = {
    "empty": "",
    "JSON": '{"a": "b\\n", "c": [1, null]}',
    "quotes": "'\"`%s{}$1;--",
    "line ends": "a\nb\r\nc\r\td ",
    "unicode": "é e\N{COMBINING ACUTE ACCENT} 顧客 \N{GRINNING FACE} \N{LINE SEPARATOR}",
    "64 KiB": "0123456789abcdef" * 4096,
}


class StoreContract:
    """The tests of a store: subclass it and give it a `store` fixture."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", pytest.param("trio", marks=_needs_trio)])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """What the tests run on; override it to name fewer."""
        return request.param

    @pytest.fixture
    def owner(self) -> str:
        """An owner that nobody has used before."""
        return f"contract-{uuid.uuid4().hex}/customer"

    async def test_an_unknown_owner_has_no_record(self, store: TokenStore, owner: str) -> None:
        """`load` gives None; it does not raise."""
        assert await store.load(owner) is None

    async def test_a_first_save_creates_the_record(self, store: TokenStore, owner: str) -> None:
        """`replacing=None` returns the version that `load` then shows."""
        version = await created(store, owner, "first")

        await assert_stored(store, owner, "first", version=version)

    async def test_a_second_create_loses_and_changes_nothing(self, store: TokenStore, owner: str) -> None:
        """`replacing=None` means that there must be no record."""
        version = await created(store, owner, "first")

        assert await store.save(owner, "second", replacing=None) is None, "created what was there already"
        await assert_stored(store, owner, "first", version=version)

    async def test_the_stored_version_can_be_replaced(self, store: TokenStore, owner: str) -> None:
        """The right version is taken, and a new one returned."""
        first = await created(store, owner, "first")
        second = await store.save(owner, "second", replacing=first)

        assert second, "the stored version was not accepted"
        assert second != first, "a version was used twice"
        await assert_stored(store, owner, "second", version=second)

    async def test_a_stale_version_loses_and_changes_nothing(self, store: TokenStore, owner: str) -> None:
        """Whoever was slower gets None."""
        first = await created(store, owner, "first")
        second = await store.save(owner, "second", replacing=first)

        assert await store.save(owner, "late", replacing=first) is None, "an old version was accepted"
        await assert_stored(store, owner, "second", version=second)

    async def test_a_made_up_version_loses(self, store: TokenStore, owner: str) -> None:
        """Also one in a form that this store never gives out."""
        version = await created(store, owner, "first")

        for made_up in ("", "no such version", f"{version} "):
            assert await store.save(owner, "late", replacing=made_up) is None, f"accepted {made_up!r}"
        await assert_stored(store, owner, "first", version=version)

    async def test_a_missing_record_is_not_replaced(self, store: TokenStore, owner: str) -> None:
        """A version of nothing loses, and creates nothing."""
        assert await store.save(owner, "text", replacing="1") is None, "replaced what was not there"
        assert await store.load(owner) is None

    async def test_loading_changes_nothing(self, store: TokenStore, owner: str) -> None:
        """A version stays valid however often it is read."""
        version = await created(store, owner, "first")
        await store.load(owner)
        await store.load(owner)

        assert await store.save(owner, "second", replacing=version), "reading made the version stale"

    async def test_the_same_text_gets_a_new_version(self, store: TokenStore, owner: str) -> None:
        """Versions name saves, not texts."""
        first = await created(store, owner, "text")
        second = await store.save(owner, "text", replacing=first)

        assert second, "the stored version was not accepted"
        assert second != first, "a version was made from the text"

    async def test_versions_are_never_used_twice(self, store: TokenStore, owner: str) -> None:
        """Not even after `delete`: a stale writer must not meet his old version again."""
        seen: list[str] = []
        for _ in range(3):
            version = await created(store, owner, "text")
            seen.append(version)
            for _ in range(5):
                version = await replaced(store, owner, version)
                seen.append(version)
            await store.delete(owner)

        assert len(set(seen)) == len(seen), f"a version was used twice: {seen}"

    async def test_a_deleted_record_is_gone(self, store: TokenStore, owner: str) -> None:
        """For `load`, and for a create."""
        await created(store, owner, "text")
        await store.delete(owner)

        assert await store.load(owner) is None, "the record is still there"
        assert await store.save(owner, "again", replacing=None), "the owner cannot come back"

    async def test_deleting_twice_is_no_error(self, store: TokenStore, owner: str) -> None:
        """Nor is deleting what never was."""
        await store.delete(owner)
        await created(store, owner, "text")
        await store.delete(owner)
        await store.delete(owner)

        assert await store.load(owner) is None

    async def test_a_version_from_before_a_delete_loses(self, store: TokenStore, owner: str) -> None:
        """Otherwise a slow refresh brings a revoked grant back to life."""
        version = await created(store, owner, "text")
        await store.delete(owner)

        assert await store.save(owner, "late", replacing=version) is None, "a deleted record was replaced"
        assert await store.load(owner) is None, "a deleted record came back"

    async def test_owners_do_not_touch_each_other(self, store: TokenStore, owner: str) -> None:
        """Neither saving nor deleting one changes the other."""
        other = f"{owner}-2"
        version = await created(store, owner, "mine")
        await created(store, other, "theirs")
        await store.delete(other)

        assert await store.load(other) is None
        await assert_stored(store, owner, "mine", version=version)

    async def test_awkward_owner_names_are_kept_apart(self, store: TokenStore, owner: str) -> None:
        """Slashes, dots, case, white space, accents, long names."""
        names = [f"{owner}/{name}" for name in AWKWARD_OWNERS]
        for number, name in enumerate(names):
            assert await store.save(name, f"text {number}", replacing=None), f"taken for another: {name!r}"

        for number, name in enumerate(names):
            await assert_stored(store, name, f"text {number}")

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
    async def test_texts_come_back_as_they_were(self, store: TokenStore, owner: str, text: str) -> None:
        """Every character of them."""
        version = await created(store, owner, text)

        await assert_stored(store, owner, text, version=version)

    async def test_no_swap_is_lost_among_tasks(self, store: TokenStore, owner: str) -> None:
        """Every task adds one by compare-and-swap; at least one had to try again, so they did overlap."""
        await created(store, owner, "0")
        lost: list[int] = []
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for _ in range(TASKS):
                    tasks.start_soon(add_one, store, owner, lost)

        await assert_stored(store, owner, str(TASKS))
        assert sum(lost), "no swap was ever lost: the tasks did not overlap, which proves nothing"

    async def test_only_one_of_many_creates_wins(self, store: TokenStore, owner: str) -> None:
        """Two callbacks of one consent, say."""
        won: list[str] = []

        async def create(text: str) -> None:
            await anyio.lowlevel.checkpoint()
            if await store.save(owner, text, replacing=None):
                won.append(text)

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for number in range(TASKS):
                    tasks.start_soon(create, f"text {number}")

        assert len(won) == 1, f"{len(won)} of {TASKS} creates won"
        await assert_stored(store, owner, won[0])

    async def test_no_swap_is_lost_among_threads(
        self, store: TokenStore, owner: str, anyio_backend_name: str
    ) -> None:
        """Each thread has an event loop of its own."""
        if getattr(store, "loop_bound", False):
            pytest.skip("this store says that it works in one event loop only")
        await created(store, owner, "0")

        def run_loop() -> None:
            anyio.run(add_many, store, owner, SWAPS_PER_THREAD, backend=anyio_backend_name)

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for _ in range(THREADS):
                    tasks.start_soon(in_thread, run_loop)

        await assert_stored(store, owner, str(THREADS * SWAPS_PER_THREAD))

    @pytest.mark.parametrize("cut", CUTS)
    async def test_a_cancelled_save_leaves_the_store_usable(
        self, store: TokenStore, owner: str, cut: float
    ) -> None:
        """It happened or it did not; the record is whole, and others can go on."""
        version = await created(store, owner, "0")
        with anyio.move_on_after(cut):
            await store.save(owner, "1", replacing=version)

        await assert_usable(store, owner)

    @pytest.mark.parametrize("cut", CUTS)
    async def test_a_natively_cancelled_save_leaves_the_store_usable(
        self, store: TokenStore, owner: str, cut: float, anyio_backend_name: str
    ) -> None:
        """`task.cancel()` reaches where a cancel scope of anyio is shielded."""
        if anyio_backend_name != "asyncio":
            pytest.skip("only asyncio has task.cancel()")
        version = await created(store, owner, "0")
        task = asyncio.ensure_future(store.save(owner, "1", replacing=version))
        await asyncio.sleep(cut)
        task.cancel()
        with anyio.fail_after(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)

        await assert_usable(store, owner)

    async def test_owners_are_listed(self, store: TokenStore, owner: str) -> None:
        """Exactly those with a record, once each, by the names they were saved under."""
        if not isinstance(store, ListsOwners):
            pytest.skip("this store does not list owners")
        before = await listed(store)
        names = [f"{owner}/{name}" for name in AWKWARD_OWNERS]
        for name in names:
            await created(store, name, "text")
        await store.delete(names.pop())

        assert sorted(await listed(store)) == sorted(before + names)


async def created(store: TokenStore, owner: str, text: str) -> str:
    """The version of a record that was not there before."""
    version = await store.save(owner, text, replacing=None)
    assert isinstance(version, str), f"a new owner's save returned {version!r}, not a version"
    assert version, "a version is not empty"
    return version


async def replaced(store: TokenStore, owner: str, version: str) -> str:
    """The version that follows `version`."""
    following = await store.save(owner, "text", replacing=version)
    assert following, "the stored version was not accepted"
    return following


async def assert_stored(store: TokenStore, owner: str, text: str, *, version: str | None = None) -> None:
    """`owner` has this text, under this version if one is given."""
    record = await loaded(store, owner)
    assert record.text == text, f"{owner!r} has another text than was saved"
    assert version in (None, record.version), "load shows another version than save returned"


async def loaded(store: TokenStore, owner: str) -> Record:
    """The record, which must be there."""
    record = await store.load(owner)
    assert record is not None, f"the record of {owner!r} is missing"
    return record


async def assert_usable(store: TokenStore, owner: str) -> None:
    """The record is one of those that were written, and can be replaced soon."""
    with anyio.fail_after(PATIENCE):
        before = int((await loaded(store, owner)).text)
        await add_one(store, owner, [])
        after = int((await loaded(store, owner)).text)
        assert before in (0, 1), "the record is neither the old nor the new one"
        assert after in (before + 1, 2), "a swap was lost"


async def add_one(store: TokenStore, owner: str, lost: list[int]) -> None:
    """Add one to the stored number, as often as it takes; `lost` gets how often it did not work."""
    for attempt in range(10_000):
        record = await loaded(store, owner)
        await anyio.lowlevel.checkpoint()
        if await store.save(owner, str(int(record.text) + 1), replacing=record.version):
            lost.append(attempt)
            return
    pytest.fail("a swap never wins")


async def add_many(store: TokenStore, owner: str, times: int) -> None:
    """Add one, `times` times."""
    for _ in range(times):
        await add_one(store, owner, [])


async def in_thread(action: Callable[[], None]) -> None:
    """Run `action` beside the other tasks."""
    await anyio.to_thread.run_sync(action)


async def listed(store: ListsOwners) -> list[str]:
    """Everybody with a record."""
    return [owner async for owner in store.owners()]
