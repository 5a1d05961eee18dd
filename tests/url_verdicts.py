"""Whether a token would be sent to a URL, as each library reads it."""

import httpx
import httpx2

from zoho_oauth._data_centers import DataCenter, why_foreign

EU = DataCenter.get("eu")
URL_CLASSES = {
    "httpx": (httpx.URL, lambda url: url.host),
    "httpx wire": (httpx.URL, lambda url: url.raw_host.decode("ascii")),
    "httpx2": (httpx2.URL, lambda url: url.host),
    "httpx2 wire": (httpx2.URL, lambda url: url.raw_host.decode("ascii")),
}


def verdict(url, reader="httpx", data_center=EU, check=why_foreign, allowed=frozenset()):
    """None: a token would be sent. Text: the refusal."""
    url_class, host_of = URL_CLASSES[reader]
    try:
        parsed = url_class(url)
        host = host_of(parsed)
    except (httpx.InvalidURL, httpx2.InvalidURL, UnicodeError):
        return "cannot be parsed"
    userinfo = bool(parsed.userinfo)
    origin = (parsed.scheme, host, parsed.port)
    return check(origin, userinfo=userinfo, data_center=data_center, allowed=allowed)
