"""Every number of the life cycle, named, with its reason. No bare numbers elsewhere."""

from __future__ import annotations

from typing import Final, Literal

from attrs import Attribute, field, frozen

from .errors import ConfigurationError

#: A token whose life is short gets windows that fit: shares of its life.
EARLY_SHARE: Final = 0.25
LEEWAY_SHARE: Final = 0.1
#: Up to this share of the early window is cut per process, so that a fleet does not refresh in step.
EARLY_JITTER: Final = 0.4

#: Zoho says 3600; the answer decides, this is for answers that do not say.
DEFAULT_LIFE: Final = 3600.0
#: No Zoho access token lives longer; a longer one is a unit mistake or a wrong clock.
LONGEST_LIFE: Final = 86_400.0

#: How long a failure is believed without asking the store again: a re-consent elsewhere shows within this.
MEMORY_OF_FAILURE: Final = 1.0
#: A background refresh is started at most this often per owner and process ...
BACKGROUND_PACE: Final = 60.0
#: ... or this share of the life, for tokens that live shorter.
BACKGROUND_PACE_SHARE: Final = 0.1

#: Waiting for another's reservation: first and longest pause between two looks at the store.
FIRST_POLL: Final = 0.02
LONGEST_POLL: Final = 0.2

#: Hosts can be set to the wrong zone, so another clock's date in a reservation proves nothing below this;
#: watching it does.
CLOCKS_DISAGREE: Final = 7200.0
#: Two processes whose wall and monotonic clocks are this equally far apart have the same clocks.
SAME_CLOCK: Final = 1.0

#: Zoho blocks "the rest of ten minutes" and names no time.
THROTTLE_COOL_DOWN: Final = 600.0
#: Longest wait that an answer's Retry-After may ask for.
LONGEST_RETRY_AFTER: Final = 3600.0
#: A client secret is corrected by a person: asking again after this is soon enough.
REFUSED_COOL_DOWN: Final = 300.0
#: Back-off for answers that say nothing about the grant.
FIRST_BACK_OFF: Final = 1.0
LONGEST_BACK_OFF: Final = 60.0

#: Mints that rejections may not spend: kept for tokens that run out.
KEPT_FOR_EXPIRY: Final = 2
#: How long a host whose rejections proved to be about something else causes no refresh.
DISTRUST: Final = 600.0

#: Seeds remembered per owner: more than a rolling deployment has versions.
SEEDS_REMEMBERED: Final = 16
#: A token response is under 1 KiB, and so is what an API says about a token; more is neither.
LONGEST_ANSWER: Final = 65_536


def _positive(_: object, attribute: Attribute[float], value: float) -> None:
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"RefreshPolicy({attribute.name}={value!r}): a positive number is needed.")


def _more_than_kept(_: object, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or value <= KEPT_FOR_EXPIRY:
        raise ConfigurationError(
            f"RefreshPolicy({attribute.name}={value!r}): a whole number above {KEPT_FOR_EXPIRY} is needed."
        )


def _one_of_two(
    _: object, attribute: Attribute[Literal["strict", "degrade"]], value: Literal["strict", "degrade"]
) -> None:
    if value not in ("strict", "degrade"):
        raise ConfigurationError(
            f"RefreshPolicy({attribute.name}={value!r}): 'strict' or 'degrade' is needed."
        )


@frozen(kw_only=True)
class RefreshPolicy:
    """
    When to refresh, how long to wait, how often Zoho may be asked. Seconds throughout.

    The defaults fit Zoho: tokens live 3600 s, and ten token requests in ten minutes block the client.
    """

    early: float = field(default=300.0, validator=_positive)
    """Refresh in the background this long before a token expires."""
    leeway: float = field(default=60.0, validator=_positive)
    """Treat a token as expired this long before it does."""
    send_deadline: float = field(default=10.0, validator=_positive)
    """A token request and its reservation live no longer than this."""
    mints: int = field(default=8, validator=_more_than_kept)
    """Token requests per owner in one window; Zoho's own limit is ten."""
    mint_window: float = field(default=600.0, validator=_positive)
    """Length of that window."""
    store_deadline: float = field(default=3.0, validator=_positive)
    """No call of the token store is waited for longer."""
    store_down: Literal["strict", "degrade"] = field(default="strict", validator=_one_of_two)
    """`strict`: nothing is sent without a saved reservation. `degrade`: the process goes on by its memory."""
