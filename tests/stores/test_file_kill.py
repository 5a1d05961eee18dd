"""Writers that are killed, and writers in several processes."""

from __future__ import annotations

import json
import sys

import anyio
import pytest

from tests.scale import count
from tests.stores.programs import run_program, run_together
from zoho_oauth.stores import FileStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL")

# Whether the writer follows the rules, or writes to the file itself, is the second argument.
KILL_AT_RANDOM = """
import json, os, random, signal, sys, time
import anyio
from zoho_oauth import errors
from zoho_oauth.stores import FileStore, Record, _disk, _locks, file

directory, variant, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = FileStore(directory)
mine = file.OwnerFile(store._directory, "owner")
texts = [letter * 200_000 for letter in "abc"]

async def write_for_ever():
    while True:
        for text in texts:
            record = await store.load("owner")
            await store.save("owner", text, replacing=record.version if record else None)
            os.write(busy, b".")

def write_in_place(path, content, *, draft):
    with open(path, "wb") as file:
        file.write(content)

if variant == "in place":
    _disk.replace_file = write_in_place

def drafts():
    return sum(".tmp-" in name for name in os.listdir(os.path.dirname(mine.lock)))

found = {"kills": 0, "idle": 0, "unreadable": 0, "foreign": 0, "locked": 0, "orphans": 0}
anyio.run(lambda: store.save("owner", texts[0], replacing=None))
while found["kills"] < kills and not found["unreadable"]:
    before = mine.load().version
    working, busy = os.pipe()
    child = os.fork()
    if not child:
        anyio.run(write_for_ever)
    os.read(working, 1)
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(working)
    os.close(busy)
    found["kills"] += 1
    try:
        record = mine.load()
        found["foreign"] += record.text not in texts
        found["idle"] += record.version == before
    except errors.StoreCorrupted:
        found["unreadable"] += 1
    try:
        with _locks.exclusive(mine.lock):
            pass
    except _locks.Busy:
        found["locked"] += 1
    found["orphans"] = max(found["orphans"], drafts())
if not found["unreadable"]:
    anyio.run(lambda: store.save("owner", "last", replacing=mine.load().version))
    found["left"] = drafts()
print(json.dumps(found))
"""

KILL_AT_EVERY_STEP = """
import fcntl, json, os, signal, sys
from zoho_oauth.stores import FileStore, Record, _locks, file

mine = file.OwnerFile(FileStore(sys.argv[1])._directory, "owner")
steps = [(os, name) for name in ("open", "write", "fsync", "replace", "close")] + [(fcntl, "flock")]

def swap(text):
    with _locks.exclusive(mine.lock):
        found = mine.load()
        return mine.swap(Record(text, os.urandom(8).hex()), found.version if found else None)

def die_at(number):
    left = [number]
    def watch(module, name):
        real = getattr(module, name)
        def step(*args, **named):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **named)
        setattr(module, name, step)
    for module, name in steps:
        watch(module, name)

swap("text 0")
number, texts, drafts = 0, ["text 0"], []
while True:
    number += 1
    new = f"text {number}"
    child = os.fork()
    if not child:
        die_at(number)
        swap(new)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    text = mine.load().text
    assert text in (texts[-1], new), (number, text)
    texts.append(text)
    drafts.append(sum(".tmp-" in name for name in os.listdir(os.path.dirname(mine.lock))))
    if status == 0:
        break
print(json.dumps({"kills": number - 1, "texts": texts, "drafts": drafts}))
"""

COUNT_TOGETHER = """
import contextlib, os, sys, time
import anyio
from zoho_oauth import errors
from zoho_oauth.stores import FileStore, _locks

directory, variant, times, backend = *sys.argv[1:3], int(sys.argv[3]), sys.argv[4]
if variant == "no lock":
    _locks.exclusive = lambda path: contextlib.nullcontext()

def wait_for_the_others():
    os.makedirs(directory + "-here", exist_ok=True)
    open(f"{directory}-here/{os.getpid()}", "w").close()
    while len(os.listdir(directory + "-here")) < 4:
        time.sleep(0.001)

async def count():
    store, won, lost = FileStore(directory), 0, 0
    while won < times:
        try:
            record = await store.load("owner")
            text = str(int(record.text) + 1 if record else 1)
            if await store.save("owner", text, replacing=record.version if record else None):
                won += 1
            else:
                lost += 1
        except errors.StoreUnavailable:
            # Without the lock, one sweeps away what another writes.
            assert variant == "no lock"
    print(won, lost)

wait_for_the_others()
anyio.run(count, backend=backend)
"""


def test_a_writer_killed_at_random_leaves_a_whole_file_and_a_free_lock(tmp_path):
    kills = count(100)
    (line,) = run_program(KILL_AT_RANDOM, tmp_path / "tokens", "ours", kills)
    found = json.loads(line)

    assert found.pop("orphans") <= 1
    assert found == {"kills": kills, "idle": 0, "unreadable": 0, "foreign": 0, "locked": 0, "left": 0}
    assert kills > 0


def test_a_writer_without_a_draft_leaves_half_a_file(tmp_path):
    """The control: writing to the file itself, until the first file that cannot be read."""
    (line,) = run_program(KILL_AT_RANDOM, tmp_path / "tokens", "in place", 300)

    assert json.loads(line)["unreadable"] == 1


def test_a_writer_killed_at_any_step_leaves_the_old_text_or_the_new(tmp_path):
    """Before each call that opens, locks, writes, syncs, replaces or closes."""
    (line,) = run_program(KILL_AT_EVERY_STEP, tmp_path / "tokens")
    found = json.loads(line)

    assert found["kills"] >= 10
    assert "text 1" not in found["texts"], "it was killed before its first step"
    assert f"text {found['kills']}" in found["texts"], "one was killed after the file was in its place"
    assert max(found["drafts"]) == 1
    assert found["drafts"][-1] == 0


def counted(directory, variant, *, times, backend):
    """How many swaps were reported as won and as lost by four processes, and what the store counted."""
    lines = run_together(COUNT_TOGETHER, directory, variant, times, backend, processes=4)
    won, lost = (sum(int(number) for number in column) for column in zip(*map(str.split, lines), strict=True))
    return won, lost, int(anyio.run(FileStore(directory).load, "owner").text)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_swap_is_lost_among_processes(tmp_path, backend):
    times = count(50, least=25)
    won, lost, stored = counted(tmp_path / "tokens", "ours", times=times, backend=backend)

    assert stored == won == 4 * times > 0
    assert lost, "no swap was ever lost: the processes did not overlap, which proves nothing"


def test_without_the_lock_swaps_are_lost_among_processes(tmp_path):
    """The control: rounds until the first loss."""
    for number in range(10):
        won, _, stored = counted(tmp_path / f"tokens {number}", "no lock", times=25, backend="asyncio")
        if stored < won:
            return
    pytest.fail("nothing was lost in ten rounds")
