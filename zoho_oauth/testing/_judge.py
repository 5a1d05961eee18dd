"""What Zoho says to a token request (its pages "Access token" and "Access token expiry")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import define, frozen

from .answers import BAD_REQUEST, Answer, json_answer

if TYPE_CHECKING:
    from ._accounts import AccessToken, Accounts, Grant
    from ._hosts import Place
    from ._rules import Rules
    from ._throttle import Throttle

_MILLISECONDS: Final = 1000

Form = dict[str, str]


@frozen
class Verdict:
    """What became of a token request."""

    outcome: str
    answer: Answer


def _refused(word: str) -> Verdict:
    # Every refusal but the throttle and a missing grant_type comes with status 200.
    return Verdict(word, json_answer({"error": word}))


@define(eq=False)
class Judge:
    """Decides about token requests; the data center that was asked is part of every question."""

    _accounts: Accounts
    _rules: Rules
    throttle: Throttle

    def verdict(self, place: Place, form: Form) -> Verdict:
        """Mint, refuse or throttle."""
        with self._accounts.lock:
            if not form.get("grant_type"):
                return Verdict("no_grant_type", BAD_REQUEST)
            if self.throttle.blocks(self._quota_key(place, form)):
                return Verdict("throttled", self.throttle.answer())
            refusal = self._client_refusal(place, form)
            return _refused(refusal) if refusal else self._grant_verdict(place, form)

    def _quota_key(self, place: Place, form: Form) -> tuple[str, str]:
        return place.data_center, form.get("refresh_token") or form.get("client_id", "")

    def _client_refusal(self, place: Place, form: Form) -> str | None:
        client = self._accounts.clients.get(form.get("client_id", ""))
        if client is None or place.data_center not in (client.data_centers or (place.data_center,)):
            return "invalid_client"
        client_secret = form.get("client_secret")
        if client_secret == client.secret_at(place.data_center):
            return None
        elsewhere = {client.client_secret, *client.secrets.values()}
        return "invalid_client" if client_secret in elsewhere else "invalid_client_secret"

    def _grant_verdict(self, place: Place, form: Form) -> Verdict:
        grant_type = form["grant_type"]
        if grant_type == "refresh_token":
            grant = self._accounts.grant(form.get("refresh_token"), form["client_id"], place.data_center)
            return self._minted(place, grant) if grant else _refused("invalid_code")
        if grant_type == "client_credentials":
            return self._minted(place, self._credentials_grant(place, form))
        return _refused("invalid_client")

    def _credentials_grant(self, place: Place, form: Form) -> Grant:
        scope, soid = form.get("scope", ""), form.get("soid", "")
        return self._accounts.credentials_grant(
            form["client_id"], scope, soid=soid, data_center=place.data_center
        )

    def _minted(self, place: Place, grant: Grant) -> Verdict:
        token = self._accounts.mint(grant)
        return Verdict("minted", json_answer(self._token_answer(place, token)))

    def _token_answer(self, place: Place, token: AccessToken) -> dict[str, Any]:
        # No refresh_token: Zoho does not rotate ("Access token expiry").
        answer: dict[str, Any] = {"access_token": token.text, "token_type": "Bearer"}
        if self._rules.scope_in_answer:
            answer["scope"] = token.scope
        if self._rules.api_domain_in_answer:
            answer["api_domain"] = place.api
        return answer | self._life()

    def _life(self) -> dict[str, Any]:
        life = self._rules.token_life
        seconds: float = int(life) if life == int(life) else life
        forms: dict[str, dict[str, Any]] = {
            "seconds": {"expires_in": seconds},
            "milliseconds": {"expires_in": int(life * _MILLISECONDS)},
            "expires_in_sec": {"expires_in_sec": seconds},
            "both": {"expires_in_sec": seconds, "expires_in": int(life * _MILLISECONDS)},
            "string": {"expires_in": str(seconds)},
            "missing": {},
        }
        return forms[self._rules.expires_in_form]
