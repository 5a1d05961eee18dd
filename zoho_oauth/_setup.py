"""`Setup`: whose token it is, where it is kept and by which rules; shared by a source and its attempts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from attrs import field, frozen

from . import _held, _ledger, errors
from ._documents import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._clock import Clock
    from ._data_centers import DataCenter, Origin
    from ._documents import Document, Seed
    from ._endpoint import TokenEndpoint
    from ._error_codes import ErrorCode
    from ._policy import RefreshPolicy
    from ._registration import ClientRegistration
    from .events import AnyEvent
    from .stores.base import TokenStore

log = logging.getLogger("zoho_oauth")
log.addHandler(logging.NullHandler())


def _readable(_: object, __: object, owner: str) -> None:
    # A document of such an owner could be written and never read again.
    if not isinstance(owner, str) or not is_text(owner):
        raise errors.ConfigurationError(f"The owner is not a text: {owner!r}.", hint="Use str(…).")


@frozen(kw_only=True)
class Setup:
    """One owner of one client: the parts that its token source works with."""

    registration: ClientRegistration
    store: TokenStore
    owner: str = field(validator=_readable)
    seed: Seed | None
    policy: RefreshPolicy
    endpoint: TokenEndpoint
    clock: Clock
    on_event: Callable[[AnyEvent], object] | None = field(default=None, repr=False)
    key: str = ""
    allowed: frozenset[Origin] = frozenset()
    error_codes: tuple[ErrorCode, ...] = ()

    @property
    def process_local(self) -> bool:
        """Whether no other process shares the store."""
        return bool(getattr(self.store, "process_local", False))

    @property
    def loop_bound(self) -> bool:
        """Whether the store's driver works in one event loop only."""
        return bool(getattr(self.store, "loop_bound", False))

    def entry(self) -> _held.Entry:
        """What this process holds for the owner."""
        return _held.entry_for(self.store, self.key, self.clock)

    def data_center_of(self, document: Document) -> DataCenter:
        """Where this owner's tokens come from: the document decides, not the registration."""
        return self.registration.data_center_of(document.data_center)

    def credential(self, document: Document) -> str:
        """The fingerprint of what a token request for `document` would prove itself with."""
        data_center = self.data_center_of(document)
        return _ledger.credential(
            document,
            client_id=self.registration.client_id,
            client_secret=self.registration.secret_for(data_center),
            accounts=data_center.accounts,
        )

    def tell(self, event: AnyEvent) -> None:
        """Log the event, and hand it to `on_event`; what that raises is logged and goes no further."""
        log.debug("%r", event)
        if self.on_event is None:
            return
        try:
            self.on_event(event)
        except Exception:
            log.exception("on_event raised for %s", type(event).__name__)


def store_key(client_id: str, owner: str) -> str:
    """What the store knows an owner by: two registrations may share a store."""
    return f"{client_id}/{owner}"
