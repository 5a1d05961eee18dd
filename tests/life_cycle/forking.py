"""
A program that forks while its other thread refreshes; run by test_fork.py in an interpreter of its own.

It reads one line of JSON (where the fake is, and what to do), says "ready" when it is to be let fork, and ends
with one line of JSON: how the child fared, how many seconds it took, and what the parent got.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

import anyio
import httpx

from zoho_oauth import ClientRegistration, DataCenter, FileStore, MemoryStore, ZohoOAuth, _held
from zoho_oauth.stores import memory

PATIENCE = 2.0


def say(word: object) -> None:
    print(word if isinstance(word, str) else json.dumps(word), flush=True)


def child(zoho: ZohoOAuth, auth: object, orders: dict) -> str:
    """What a worker does: a request of each colour with the auth that was made before the fork."""
    if orders["consent"]:
        anyio.run(zoho.adopt, orders["consent"], "default")
    token = anyio.run(auth.source.token, backend=orders["backend"])
    with httpx.Client(auth=auth, base_url=orders["origin"]) as client:
        status = client.get("/crm/v8/Leads").status_code
    shared = zoho.source().entry is auth.source.entry
    return f"{status} {token.access_token.fingerprint} {shared}"


def fork(zoho: ZohoOAuth, auth: object, orders: dict) -> dict:
    reading, writing = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.write(writing, child(zoho, auth, orders).encode())
        os._exit(0)
    os.close(writing)
    say("forked")
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() - began > PATIENCE:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        time.sleep(0.005)
    return {"child": os.read(reading, 1000).decode() or "hangs", "seconds": time.monotonic() - began}


def hold_mutexes() -> None:
    """As a thread does that is at work with them at the moment of the fork."""
    for module in (_held, memory):
        threading.Thread(target=module._mutex.acquire).start()


def free_mutexes() -> None:
    for module in (_held, memory):
        module._mutex.release()


def keep_mutexes_in_the_child() -> None:
    """A twin: hooks that run after the library's put the parent's mutexes back."""
    mutexes = {module: module._mutex for module in (_held, memory)}

    def put_back() -> None:
        for module, mutex in mutexes.items():
            module._mutex = mutex

    os.register_at_fork(after_in_child=put_back)


def keep_entries_in_the_child() -> None:
    """A twin: handles that were made before the fork go on with what the parent held."""
    entries: list = []

    def remember() -> None:
        entries.extend((entry, entry.held) for entry in _held._entries.values())

    def put_back() -> None:
        for entry, held in entries:
            entry.held, entry.is_gone = held, False

    os.register_at_fork(before=remember, after_in_child=put_back)


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    origin = orders["origin"]
    registration = ClientRegistration(
        orders["client_id"],
        orders["client_secret"],
        data_center=DataCenter(code="eu-loopback", accounts=origin, api=origin),
    )
    zoho = ZohoOAuth(registration, FileStore(orders["path"]) if orders["path"] else MemoryStore())
    auth = zoho.auth()
    {"mutexes": keep_mutexes_in_the_child, "entries": keep_entries_in_the_child}.get(orders["twin"], bool)()
    anyio.run(lambda: zoho.adopt(orders["refresh_token"], verify=False))
    found = []
    refresh = threading.Thread(target=lambda: found.append(anyio.run(auth.source.token)))
    refresh.start()
    if orders["fork_after"]:
        refresh.join()
    sys.stdin.readline()
    if orders["mutexes_held"]:
        hold_mutexes()
    result = fork(zoho, auth, orders)
    if orders["mutexes_held"]:
        free_mutexes()
    sys.stdin.readline()
    refresh.join()
    say({**result, "parent": found[0].access_token.fingerprint})


if __name__ == "__main__":
    main()
