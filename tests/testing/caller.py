"""A client that asks the fake as any product, and what its answer must be."""

from __future__ import annotations

import httpx

from zoho_oauth.testing import FakeZoho, Rules
from zoho_oauth.testing._sites import SITES

SCOPE = "Everything.things.ALL"


def is_said(response, answer, path=""):
    """Status, body and headers of `answer`, no more and no less."""
    body = answer.body.replace(b"{path}", path.encode())
    headers = {(name, value) for name, value in answer.headers}
    length = ("content-length", str(len(body)))
    assert (response.status_code, response.content) == (answer.status, body)
    assert set(response.headers.items()) - {("date", response.headers.get("date"))} == headers | {length}


def site_of(product):
    return next(site for site in SITES if site.product == product)


class Caller:
    """A client with a good token, at the real hosts of a data center or on loopback."""

    def __init__(self, code="eu", **rules):
        self.fake = FakeZoho(code, rules=Rules(**rules))
        self.code = code
        refresh_token = self.fake.consent(self.fake.register_client(), SCOPE)
        self.token = self.fake.mint(refresh_token)

    async def get(self, site, *, token=None, origin="", path="", **options):
        url = f"{origin or f'https://{site.hosts(self.code)[0]}'}{path or site.example}"
        headers = {"Authorization": f"Zoho-oauthtoken {token or self.token}"} if token != "" else {}
        async with httpx.AsyncClient(transport=None if origin else self.fake.transport) as client:
            headers |= options.pop("headers", {})
            return await client.get(url, headers=headers, **options)
