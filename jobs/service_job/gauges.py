"""How model servers are, in the engine's metrics: for each of them, how many of its endpoints have an open breaker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from penstock.tallies import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["OPEN_BREAKERS", "Gauges", "show"]

OPEN_BREAKERS = "open_breakers"


class Gauges(Protocol):
    """The engine's metrics, as far as they are needed here."""

    def add_group(self, name: str) -> Gauges:
        """Return a group with this name below this one."""

    def gauge(self, name: str, obj: Callable[[], int]) -> None:
        """Show what a function returns, whenever the engine asks."""


def show(metrics: Gauges, servers: Iterable[str], away: Callable[[str], int]) -> None:
    """Make a gauge for each server.

    Args:
        metrics: the operator's.
        servers: names, as the settings have them.
        away: tells of a server how many of its endpoints get no calls at the moment.
    """
    group = metrics.add_group(GROUP)
    for name in servers:
        group.add_group(name).gauge(OPEN_BREAKERS, partial(away, name))
