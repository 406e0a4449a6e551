"""Garbage collection, put off while many objects are made that stay, and kept from those that have stayed.

Python looks for garbage whenever there are some hundred objects more, and through all of them whenever these are a
quarter more. A routing document of ten thousand routes is half a million objects, none of them garbage: looking through
them again and again took more than half of the time in which the document was read, checked and compiled, and stopped
the threads beside it.
"""

from __future__ import annotations

import gc
import threading
from contextlib import ContextDecorator
from typing import Self

__all__ = ["settle", "uncollected"]

_lock = threading.Lock()
_blocks = 0
_was_enabled = False


class uncollected(ContextDecorator):  # noqa: N801 read as a word, as contextlib's own
    """Put collection off for the time of a block or function, in all threads; blocks may lie in others."""

    def __enter__(self) -> Self:
        global _blocks, _was_enabled  # noqa: PLW0603 there is one collector
        with _lock:
            if not _blocks:
                _was_enabled = gc.isenabled()
                gc.disable()
            _blocks += 1
        return self

    def __exit__(self, *_: object) -> None:
        global _blocks  # noqa: PLW0603 there is one collector
        with _lock:
            _blocks -= 1
            if not _blocks and _was_enabled:
                gc.enable()


def settle() -> None:
    """Leave out of garbage collection what is there before a worker's first record: it stays for the worker's life.

    Flink's runner, Arrow and pandas bring some hundred thousand objects, and a collection that looks at them all stops
    the worker for a tenth of a second. JPype asks for one whenever Java has collected, which is every few seconds.
    """
    gc.collect()
    gc.freeze()
