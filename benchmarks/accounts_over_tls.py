"""An accounts server that speaks https, in a process of its own: prints how to reach it, ends with its stdin."""

from __future__ import annotations

import json
import pathlib
import socket
import sys
import tempfile
import threading

import certifi
import trustme
import uvicorn

from zoho_oauth.testing import FakeZoho, Rules


def main() -> None:
    """Serve until stdin is closed."""
    fake = FakeZoho("eu", rules=Rules(throttle_after=None))
    listening = socket.create_server(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as folder:
        authorities, chain = _certificates(pathlib.Path(folder))
        configuration = uvicorn.Config(
            fake, lifespan="off", log_config=None, ssl_certfile=chain, loop="asyncio"
        )
        server = uvicorn.Server(configuration)
        threading.Thread(target=_end_with_stdin, args=[server], daemon=True).start()
        print(json.dumps(_how_to_reach(fake, listening, authorities)), flush=True)
        server.run(sockets=[listening])


def _certificates(folder: pathlib.Path) -> tuple[str, str]:
    """As many authorities as usual and ours, since loading them is what takes time; and the server's chain."""
    authority = trustme.CA()
    authorities, chain = folder / "authorities.pem", folder / "chain.pem"
    authorities.write_bytes(pathlib.Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(chain))
    return str(authorities), str(chain)


def _how_to_reach(fake: FakeZoho, listening: socket.socket, authorities: str) -> dict[str, str]:
    registration = fake.register_client()
    return {
        "origin": f"https://localhost:{listening.getsockname()[1]}",
        "authorities": authorities,
        "client_id": registration.client_id,
        "client_secret": registration.client_secret.reveal(),
        "refresh_token": fake.consent(registration),
    }


def _end_with_stdin(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
