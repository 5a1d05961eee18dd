"""Bodies of token endpoints: as Zoho's pages print them, as they were seen, and as they must not be."""

ACCESS = "1000.fake-access-1"
REFRESH = "1000.fake-refresh-1"

#: Zoho Recruit, Bigin, Workerly, Accounts pages, and a live answer to client credentials; tokens replaced.
GRANTED = (
    (
        b'{"access_token": "1000.fake-access-1", "refresh_token": "1000.fake-refresh-1", '
        b'"api_domain": "https://www.zohoapis.com/", "token_type": "Bearer", "expires_in": 3600}'
    ),
    (
        b'{"access_token": "1000.fake-access-1", "expires_in": 3600, '
        b'"api_domain": "https://www.zohoapis.com/", "token_type": "Bearer"}'
    ),
    (
        b'{"access_token": "1000.fake-access-1", "scope": "ZohoBigin.settings.modules.READ", '
        b'"api_domain": "https://www.zohoapis.com", "token_type": "Bearer", "expires_in": 3600}'
    ),
    b'{"access_token":"1000.fake-access-1","token_type":"Bearer","expires_in":3600}',
    b'{"access_token":"1000.fake-access-1","expires_in_sec":3600,"token_type":"Bearer","expires_in":3600000}',
    (
        b'{"access_token":"1000.fake-access-1","scope":"ZohoCRM.settings.ALL ZohoCRM.modules.ALL",'
        b'"api_domain":"https://api.zoho.com","token_type":"Bearer","expires_in":3600}'
    ),
)

THROTTLED = (
    (
        b'{"error_description":"You have made too many requests continuously. '
        b'Please try again after some time.","error":"Access Denied","status":"failure"}'
    ),
    (
        '{"error_description":"\u60a8\u5df2\u8fde\u7eed\u63d0\u51fa\u8fc7\u591a\u8bf7\u6c42\uff0c'
        '\u8bf7\u7a0d\u540e\u518d\u8bd5\u3002","error":"\u62d2\u7edd\u8bbf\u95ee","status":"failure"}'
    ).encode(),
    (
        '{"error_description":"\u30ea\u30af\u30a8\u30b9\u30c8\u304c\u591a\u3059\u304e\u307e\u3059\u3002",'
        '"error":"\u30a2\u30af\u30bb\u30b9\u62d2\u5426","status":"failure"}'
    ).encode(),
    (
        b'{"error_description":"Sie haben zu viele Anfragen gestellt.","error":"Zugriff verweigert",'
        b'"status":"failure"}'
    ),
    b'{"error_description":"Trop de demandes.","error":"Acc\\u00e8s refus\\u00e9","status":"failure"}',
    b'{"error":"Access Denied"}',
    b'{"error":"ACCESS  denied","status":"failure"}',
    b'{"error":"access_denied","error_description":"You have made Too  Many Requests"}',
    b'{"error":"too_many_requests"}',
    b'{"status":"failure","error_description":"too many requests"}',
    b"<html><body>You have made too many requests continuously.</body></html>",
    b'{"error_description":"You have made too many requests continuously. Pl',
)

#: body, kind and code that a refresh gets
REFUSED = (
    (b'{"error":"invalid_code"}', "grant", "invalid_code"),
    (b'{"error":"invalid_grant"}', "grant", "invalid_grant"),
    (b'{"error":"invalid_token"}', "grant", "invalid_token"),
    (b'{"error":" INVALID_CODE "}', "grant", "INVALID_CODE"),
    (b'{"error":"invalid_client"}', "client", "invalid_client"),
    (b'{"error":"invalid_client_secret"}', "client", "invalid_client_secret"),
    (b'{"error":"unauthorized_client"}', "client", "unauthorized_client"),
    (b'{"error":"invalid_redirect_uri"}', "refused", "invalid_redirect_uri"),
    (b'{"error":"missing_org_info"}', "refused", "missing_org_info"),
    (b'{"error":"invalid_request"}', "refused", "invalid_request"),
    (b'{"error":"invalid_scope"}', "refused", "invalid_scope"),
    (b'{"error":"unsupported_grant_type"}', "refused", "unsupported_grant_type"),
    (b'{"error":"access_denied"}', "refused", "access_denied"),
    (b'{"error":"access_denied","status":"failure","error_description":"no"}', "refused", "access_denied"),
    (b'{"error":"brand_new_code","status":"failure","error_description":"x"}', "refused", "brand_new_code"),
    (b'{"error":"general_error"}', "unavailable", "general_error"),
    (b'{"error":"server_error"}', "unavailable", "server_error"),
    (b'{"error":"temporarily_unavailable"}', "unavailable", "temporarily_unavailable"),
    ('{"error":"\u62d2\u7edd\u8bbf\u95ee","status":"failure"}'.encode(), "refused", None),
    (b'{"error":"Sonst etwas","error_description":"x"}', "refused", "Sonst etwas"),
    (b'{"error":""}', "malformed", None),
    (b'{"error":"  "}', "malformed", None),
    (b'{"error":null}', "malformed", None),
    (b'{"error":500}', "malformed", None),
    (b'{"error":true}', "malformed", None),
    (b'{"error":["invalid_code"]}', "malformed", None),
    (b'{"error":{"code":"invalid_code"}}', "malformed", None),
)

NOT_JSON = (
    b"",
    b" \r\n",
    b"\xef\xbb\xbf",
    b'\xef\xbb\xbf\xef\xbb\xbf{"access_token":"1000.fake-access-1"}',
    b"<html><head><title>400 Bad Request</title></head></html>",
    b"<!DOCTYPE html><html><body>Zoho Accounts</body></html>",
    b"Bad Request",
    b"upstream connect error or disconnect/reset before headers",
    b"access_token=1000.fake-access-1&expires_in=3600",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    '{"access_token":"1000.fake-access-1"}'.encode("utf-16"),
    b"\xff\xfe\x00\x00",
)

NOT_AN_ANSWER = (
    b"null",
    b"true",
    b" false ",
    b"[]",
    b'[{"access_token":"1000.fake-access-1"}]',
    b'"1000.fake-access-1"',
    b"3600",
    b"-1",
    b"{",
    b"{}",
    b'{"access_token":"1000.fake-access-1","expires_in":36',
    b'{"access_token":"1000.fake-access-1",}',
    b"{'access_token':'1000.fake-access-1'}",
    b'{"access_token":"1000.fake-access-1"} {}',
    b'{"access_token":"1000.fake-access-1","scope":"\xff"}',
    b'{"access_token":"1000.fake-access-1","scope":"\xed\xa0\x80"}',
    b'{"access_token":"1000.fake-access-1","x":"\\ud800"}',
    b'{"access_token":"1000.fake-access-1","\\udfff":1}',
    b'{"access_token":"1000.fake-access-1","x":["\\ud800"]}',
    b'{"access_token":"1000.fake-access-1","x":"\\u0000"}',
    b'{"access_token":"1000.fake-access-1","x":"\x00"}',
    b'{"access_token":"1000.fake-access-1","access_token":"1000.fake-access-2"}',
    b'{"access_token":"1000.fake-access-1","x":{"y":1,"y":1}}',
    b'{"access_token":"1000.fake-access-1","error":"invalid_code","error":"none"}',
    b'{"access_token":"1000.fake-access-1","expires_in":NaN}',
    b'{"access_token":"1000.fake-access-1","expires_in":Infinity}',
    b'{"access_token":"1000.fake-access-1","expires_in":-Infinity}',
    b'{"access_token":"1000.fake-access-1","expires_in":1e999}',
    b'{"access_token":"1000.fake-access-1","x":-1e999}',
    b'{"access_token":"1000.fake-access-1","expires_in":' + b"9" * 5000 + b"}",
    b"[" * 60_000,
    b'{"a":' * 13_000,
    b'{"access_token":"1000.fake-access-1","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b'{"access_token":"1000.fake-access-1","x":"' + b"y" * 65_536 + b'"}',
)

#: JSON texts of an access_token that is none
NO_TOKENS = (
    "null",
    '""',
    "7",
    "true",
    "[]",
    '["1000.fake-access-1"]',
    '" "',
    '"1000.fake access"',
    '" 1000.fake-access-1"',
    '"1000.fake-access-1\\n"',
    '"1000.fake\\r\\nHost: evil.example"',
    '"1000.f\\u00e4ke"',
    '"1000.fake\\u2028"',
    '"Bearer 1000.fake-access-1"',
    '"1000.fake;x"',
    '"1000.fake,x"',
    '"\\"1000.fake\\""',
    '"' + "a" * 4097 + '"',
)

#: JSON text of expires_in, and the life that is read; None: malformed
LIVES = {
    "3600": 3600.0,
    "3600.0": 3600.0,
    "3600.5": 3600.5,
    "1": 1.0,
    "7000": 7000.0,
    "3.6e3": 3600.0,
    '"3600"': 3600.0,
    '" 3600 "': 3600.0,
    '"3600\\n"': 3600.0,
    '"0003600"': 3600.0,
    "null": 3600.0,
    "86400": 86_400.0,
    "86401": 86_400.0,
    "90000": 90.0,
    "3600000": 3600.0,
    "3600000.0": 3600.0,
    '"3600000"': 3600.0,
    "86400000": 86_400.0,
    "86401000": 86_400.0,
    "3600001": 86_400.0,
    "1" + "0" * 30: 86_400.0,
    "1" + "0" * 4000: 86_400.0,
    "1e300": 86_400.0,
    "0": None,
    "-0.0": None,
    "-1": None,
    "-3600": None,
    "-1e300": None,
    "true": None,
    "false": None,
    '""': None,
    '" "': None,
    '"-1"': None,
    '"+3600"': None,
    '"3600.0"': None,
    '"3_600"': None,
    '"1e3"': None,
    '"0x10"': None,
    '"\\u0663\\u0666\\u0660\\u0660"': None,
    '"\\uff13\\uff16\\uff10\\uff10"': None,
    '"\\u00b2"': None,
    '"' + "9" * 21 + '"': None,
    '"' + "9" * 5000 + '"': None,
    '"never"': None,
    "[3600]": None,
    '{"seconds":3600}': None,
}
