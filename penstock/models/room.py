"""How much of a worker's memory models take, and which of them goes first where it is short. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.ref import ModelRef

__all__ = ["ESTIMATED", "Room", "estimate", "too_large"]

_MIB = 1024 * 1024
#: In memory a model is larger than its file: so many times, where nobody has loaded it yet (measured: 0.7 to 2.4).
_TIMES_FILE = 3
#: Taken for the size of a file whose descriptor does not say it.
_USUAL_BYTES = 256 * 1024
ESTIMATED = f"estimated as {_TIMES_FILE} times its file"


def estimate(descriptor: ModelDescriptor) -> int:
    """Return how much memory a model is going to take, in bytes, before anybody has loaded it."""
    if not descriptor.in_worker:
        return 0
    return _TIMES_FILE * (_USUAL_BYTES if descriptor.bytes is None else descriptor.bytes)


def too_large(size: int, how: str, most: int) -> str:
    """Say why a model of this size is refused, where all together may take so many bytes."""
    return (
        f"it takes {size / _MIB:.1f} MiB of memory ({how}), all models together may take {most / _MIB:.1f} MiB: "
        "raise models.most_mb"
    )


class Room:
    """Counts models and their bytes, and lines up those that nobody holds, the longest unused first."""

    def __init__(self, most_loaded: int, most_bytes: int) -> None:
        """Begin with nothing in memory."""
        self.most_loaded = most_loaded
        self.most_bytes = most_bytes
        self.loaded = 0
        self.bytes = 0
        self._idle: OrderedDict[ModelRef, None] = OrderedDict()
        self._idle_wanted: OrderedDict[ModelRef, None] = OrderedDict()
        self._awaited: frozenset[ModelRef] = frozenset()
        self._kept: dict[ModelRef, bool] = {}  # idle but for that; whether a route wants it

    def add(self, size: int) -> None:
        """Count one more."""
        self.loaded += 1
        self.bytes += size

    def remove(self, size: int) -> None:
        """Count one less."""
        self.loaded -= 1
        self.bytes -= size

    def resize(self, before: int, after: int) -> None:
        """One of them turned out to be of another size."""
        self.bytes += after - before

    def fits(self, size: int) -> bool:
        """Tell whether one more of this size has room."""
        return self.loaded < self.most_loaded and self.bytes + size <= self.most_bytes

    def idle(self, ref: ModelRef, *, wanted: bool) -> None:
        """Nobody holds it from now on: it may go, after all that may go already."""
        self.busy(ref)
        if ref in self._awaited:
            self._kept[ref] = wanted
        else:
            (self._idle_wanted if wanted else self._idle)[ref] = None

    def keep(self, awaited: frozenset[ModelRef]) -> None:
        """Somebody waits for these and for no others: they do not go, even if nobody holds them."""
        self._awaited = awaited
        for ref in [ref for ref in self._kept if ref not in awaited]:
            self.idle(ref, wanted=self._kept[ref])
        for line, wanted in ((self._idle, False), (self._idle_wanted, True)):
            for ref in [ref for ref in awaited if ref in line]:
                self.idle(ref, wanted=wanted)

    def busy(self, ref: ModelRef) -> None:
        """It must not go from now on."""
        self._idle.pop(ref, None)
        self._idle_wanted.pop(ref, None)
        self._kept.pop(ref, None)

    def is_idle(self, ref: ModelRef) -> bool:
        """Tell whether nobody holds it."""
        return ref in self._idle or ref in self._idle_wanted or ref in self._kept

    def victim(self, *, wanted_too: bool) -> ModelRef | None:
        """Return which one goes first: one that no route wants, or else, where that is allowed, one that is wanted."""
        if self._idle:
            return next(iter(self._idle))
        return next(iter(self._idle_wanted), None) if wanted_too else None
