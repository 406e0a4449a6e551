"""What every function does to the Python worker that it is opened in."""

from __future__ import annotations

import gc

__all__ = ["settle"]


def settle() -> None:
    """Leave out of garbage collection what is there before the first record: it stays for the worker's life.

    Flink's runner, Arrow and pandas bring some hundred thousand objects, and a collection that looks at them all stops
    the worker for a tenth of a second. JPype asks for one whenever Java has collected, which is every few seconds.
    """
    gc.collect()
    gc.freeze()
