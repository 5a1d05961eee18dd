"""The demo keeps what it promises, says so when it does not, and shows no secrets."""

import io
import sys
from collections.abc import Iterator

import anyio
import httpx
import pytest

from tests.scale import count
from zoho_oauth import ClientRegistration, Family, Meaning, ZohoOAuth, demo
from zoho_oauth.testing import FakeZoho, faults
from zoho_oauth.testing.answers import NO_PERMISSION


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def played(requests: int = 40, *, out: io.StringIO | None = None) -> tuple[bool, str]:
    out = out or io.StringIO()
    return anyio.run(demo.perform, out, requests), out.getvalue()


def number_in(text: str, row: str) -> int:
    line = next(line for line in text.splitlines() if line.strip().startswith(row))
    return int(line.split()[-1].replace(",", ""))


def test_a_thousand_requests_meet_two_dead_tokens_and_a_throttle_and_none_fails():
    requests = count(1_000)

    kept, text = played(requests)

    assert kept
    assert number_in(text, "requests") == 4 * requests > 0
    assert number_in(text, "failures") == 0
    assert number_in(text, "for a dead token") == 2
    assert number_in(text, "throttled") == 1
    assert number_in(text, "token requests") == 4
    assert number_in(text, "retries after a 401") == requests


def test_a_library_that_does_not_read_401s_fails_the_show(monkeypatch: pytest.MonkeyPatch):
    nothing = Meaning(family=Family.OTHER)
    monkeypatch.setattr("zoho_oauth._verdicts.read_rejection", lambda answer, error_codes: nothing)

    kept, text = played()

    assert not kept
    assert number_in(text, "failures") > 0
    assert "This is not what was promised" in text


def test_a_throttle_that_never_came_is_said_in_a_plain_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(FakeZoho, "throttle", lambda self, **_: None)

    kept, text = played()

    assert not kept
    assert text.endswith(
        "This is not what was promised. Expected: failures 0, tokens for dead ones 2, throttled 1. "
        "Found: failures 0, tokens for dead ones 3, throttled 0.\n"
    )


def test_a_broken_promise_is_exit_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(demo, "REQUESTS", 40)
    monkeypatch.setattr(FakeZoho, "throttle", lambda self, **_: None)

    assert demo.main([]) == 1
    assert "not what was promised" in capsys.readouterr().out


def test_a_kept_promise_is_exit_code_zero(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(demo, "REQUESTS", 40)

    assert demo.main([]) == 0
    assert "As promised" in capsys.readouterr().out


def test_a_terminal_gets_one_line_per_act_that_is_drawn_over():
    _, text = played(80, out=Terminal())
    show, table = text.split("\n\n", 1)

    assert len(show.splitlines(keepends=False)) >= 4
    assert text.count("\r") > 4
    assert max(len(line) for line in show.replace("\n", "\r").split("\r")) < 80
    assert "\r" not in table


def test_a_file_gets_four_plain_lines():
    _, text = played()
    show, _ = text.split("\n\n", 1)

    assert [line.split()[0] for line in show.splitlines()] == ["40", "80", "120", "160"]
    assert "\r" not in text


def test_the_show_prints_no_token_and_no_secret():
    _, text = played()

    assert "1000." not in text
    assert "fake-" not in text


def test_without_uvicorn_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    assert demo.main([]) == 1
    assert "pip install 'zoho-oauth[testing]'" in capsys.readouterr().out


def test_a_proxy_in_the_environment_does_not_disturb_the_show(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    kept, _ = played()

    assert kept


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([1.0], 99, 1.0), ([3.0, 1.0, 2.0], 50, 2.0), ([float(n) for n in range(100)], 99, 99.0)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: int, expected: float):
    assert demo.percentile(values, share) == expected


class Account:
    """A fake on a socket, and what `from_env` would have made of its client and refresh token."""

    def __init__(self, fake: FakeZoho) -> None:
        self.fake = fake
        self.registration: ClientRegistration = fake.register_client()
        self.refresh_token = fake.consent(self.registration)
        self.url = f"{fake.data_center.api}/crm/v8/org"

    def connect(self) -> ZohoOAuth:
        zoho = ZohoOAuth(self.registration, clock=self.fake.clock)
        anyio.run(lambda: zoho.adopt(self.refresh_token, verify=False))
        return zoho


@pytest.fixture
def account() -> Iterator[Account]:
    fake = FakeZoho("eu")
    with fake.serving():
        yield Account(fake)


def test_one_real_call_prints_the_body(account: Account, capsys: pytest.CaptureFixture[str]):
    assert demo.main([account.url], connect=account.connect) == 0

    assert '"path":"/crm/v8/org"' in capsys.readouterr().out.replace(" ", "")
    assert account.fake.token_requests == 1


def test_a_dead_refresh_token_prints_the_family_and_what_to_do(
    account: Account, capsys: pytest.CaptureFixture[str]
):
    account.fake.revoke(account.refresh_token)

    assert demo.main([account.url], connect=account.connect) == 1

    out = capsys.readouterr().out
    assert out.startswith("reconnect: ")
    assert "Ask the owner for consent again" in out
    assert account.refresh_token not in out


def test_a_throttle_prints_that_waiting_helps(account: Account, capsys: pytest.CaptureFixture[str]):
    account.fake.throttle(times=1)

    assert demo.main([account.url], connect=account.connect) == 1
    assert capsys.readouterr().out.startswith("wait: ")


def test_a_foreign_host_gets_nothing(account: Account, capsys: pytest.CaptureFixture[str]):
    assert demo.main(["https://api.example/crm/v8/org"], connect=account.connect) == 1

    assert capsys.readouterr().out.startswith("configure: ")
    assert account.fake.token_requests == 0


def test_an_error_of_the_api_is_printed_and_is_exit_code_one(
    account: Account, capsys: pytest.CaptureFixture[str]
):
    account.fake.answer_next(NO_PERMISSION)

    assert demo.main([account.url], connect=account.connect) == 1

    out = capsys.readouterr().out
    assert "NO_PERMISSION" in out
    assert "Zoho answered with status 403." in out


def test_a_cut_connection_is_a_sentence_without_the_url(account: Account, capsys: pytest.CaptureFixture[str]):
    account.fake.answer_next(faults.CutBeforeHeaders())

    assert demo.main([f"{account.url}?private=yes"], connect=account.connect) == 1
    assert capsys.readouterr().out == "The request did not get through (RemoteProtocolError).\n"


@pytest.mark.parametrize("missing", ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"])
def test_a_missing_variable_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"):
        monkeypatch.setenv(name, "1000.fake")
    monkeypatch.delenv(missing)

    assert demo.main(["https://www.zohoapis.com/crm/v8/org"]) == 1
    assert capsys.readouterr().out.startswith(f"configure: The environment variable {missing} is not set.")


def test_a_real_call_goes_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    fake = FakeZoho("eu")
    registration = fake.register_client()
    assert registration.client_secret is not None
    monkeypatch.setenv("ZOHO_CLIENT_ID", registration.client_id)
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", registration.client_secret.reveal())
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", fake.consent(registration))
    monkeypatch.setenv("ZOHO_DATA_CENTER", "eu")
    monkeypatch.setattr(
        httpx.AsyncHTTPTransport,
        "handle_async_request",
        lambda self, request: fake.transport.handle_async_request(request),
    )

    assert demo.main(["https://www.zohoapis.eu/crm/v8/org"]) == 0
    assert '"/crm/v8/org"' in capsys.readouterr().out
