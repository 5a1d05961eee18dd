"""What these tests share: one answer that grants, and how any is read."""

import json

from tests.corpus_answers import ACCESS
from zoho_oauth._data_centers import DataCenter
from zoho_oauth._messages import TokenResponse, read_token_response

US = DataCenter.get("us")
NOW = 1_800_000_000.0
GRANTS = ("refresh_token", "authorization_code", "client_credentials")


def read(body, status=200, *, retry_after=None, grant_type="refresh_token", data_center=US):
    response = TokenResponse(status=status, body=body, retry_after=retry_after)
    return read_token_response(response, grant_type=grant_type, data_center=data_center, now=NOW)


def answer(**members):
    return json.dumps(
        {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, **members}
    ).encode()
