"""The lock of a stack: one person or program at a time changes it."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.errors import StackError
from penstock.local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.local.layout import Layout

__all__ = ["alone"]

#: Between two looks at the lock; the keeper has it for less.
_LOOK_S = 0.1


@contextmanager
def alone(layout: Layout, patience_s: float = 0.0) -> Iterator[None]:
    """Keep everybody else who would change this stack out; the system drops the lock however this process ends.

    The keeper has it for a moment every few seconds: a person's command waits for that.

    Raises:
        StackError: somebody was still at work on it after ``patience_s``.
    """
    layout.state_dir.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+", encoding="ascii") as lock:

        def taken() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not wait_until(taken, patience_s, _LOOK_S):
            advice = "another 'penstock up' or 'down', or the keeper of lost jobs, is at work on it; wait a little"
            raise StackError("lock", "", advice)
        layout.lock.write_text(layout.stack_id, encoding="ascii")  # for scripts/stop.sh, if this program is gone
        yield
