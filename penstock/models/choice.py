"""Which version serves a bare name, by where its versions are: the live one, or the one before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.models.catalog_events import Serve, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.models.catalog_events import Entry
    from penstock.models.ref import ModelRef

__all__ = ["Names", "chosen", "serves"]


class Names:
    """What bare names mean in one worker."""

    def __init__(self, entries: Mapping[ModelRef, Entry]) -> None:
        """Begin with no names; ``entries`` are the worker's versions, now and later."""
        self._entries = entries
        self._meant: dict[str, tuple[ModelRef, ...]] = {}
        self.serving: dict[str, ModelRef] = {}

    def mean(self, name: str, refs: tuple[ModelRef, ...]) -> tuple[ModelRef, ...]:
        """From now on these versions serve the name, the live one first; returns those that did before."""
        before = self._meant.pop(name, ())
        if refs:
            self._meant[name] = refs
        return before

    def chosen(self, name: str) -> Entry | None:
        """Return the version that a request for the name goes to, or waits for."""
        found = [entry for ref in self._meant.get(name, ()) if (entry := self._entries.get(ref)) is not None]
        return chosen(*found) if found else None

    def settle(self, name: str) -> Serve | None:
        """Return which version serves the name from now on, if that is another than before."""
        found = self.chosen(name)
        ref = found.ref if found is not None and serves(found) else None
        if ref == self.serving.get(name):
            return None
        self.serving.pop(name, None)
        if ref is not None:
            self.serving[name] = ref
        return Serve(name, ref)


def chosen(live: Entry, previous: Entry | None = None) -> Entry:
    """Return the version that a request for the name goes to, or waits for.

    The one before the live one stands in until that is ready for the first time, and where it cannot be loaded; not
    while it is loaded again, for want of memory: a name must not change its version whenever room is short.
    """
    if previous is None or live.state in {State.READY, State.EVICTED}:
        return live
    if live.state is State.LOADING and (live.ever_ready or previous.state is not State.READY):
        return live
    return live if previous.state is State.FAILED else previous


def serves(entry: Entry) -> bool:
    """Tell whether a request is scored by this version, at once or when it is loaded again."""
    again = entry.state is State.LOADING and entry.ever_ready
    return again or entry.state in {State.READY, State.EVICTED}
