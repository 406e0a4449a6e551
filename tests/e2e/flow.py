"""Events that flow at a steady rate while something else is done."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Self

from penstock.cli.pace import Stop, paced
from penstock.local.waiting import wait_until
from tests.e2e.stack import BACK_S
from tests.e2e.streams import send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.settings import Settings
    from tests.e2e.events import Event
    from tests.e2e.streams import Sent

__all__ = ["Flow"]

_POLL_S = 0.05


class Flow:
    """Sends events from when the block is entered until it is left; then all are acknowledged."""

    def __init__(self, settings: Settings, events: Iterable[Event], rate: float) -> None:
        self._settings = settings
        self._stop = Stop()
        self._events = paced(events, rate, self._stop)
        self._sender = Thread(target=self._send, daemon=True)
        self.count = 0
        """How many have been sent."""
        self.sent: dict[str, Sent] = {}
        """All of them, in their order; once the block is left."""

    def __enter__(self) -> Self:
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sender.join(BACK_S)
        assert self.sent, f"the sender did not end after {self.count} events"

    def some_more(self, number: int) -> None:
        """Wait until so many more have been sent."""
        due = self.count + number
        assert wait_until(lambda: self.count >= due, BACK_S, _POLL_S), f"only {self.count} of {due} were sent"

    def _send(self) -> None:
        self.sent = send(self._settings, self._events, self._note)

    def _note(self, count: int) -> None:
        self.count = count
