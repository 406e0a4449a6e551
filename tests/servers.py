"""A server of a test's own: a process that is started, waited for, and killed."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from penstock.local.waiting import log_tail, wait_until
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Server", "running"]

#: Java or TensorFlow, on a busy machine.
_UP_S = 2 * SOON_S
_POLL_S = 0.2


class Server:
    """One process, which may be started again after it was killed."""

    def __init__(self, name: str) -> None:
        """Prepare; ``name`` tells it in messages."""
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, command: Sequence[str | Path], log: Path, answers: Callable[[], bool], patience_s: float = _UP_S
    ) -> None:
        """Start it, and wait until it answers."""
        with log.open("ab") as output:
            process = self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

        def up() -> bool:
            assert process.poll() is None, f"the {self._name} ended:\n{log_tail(log)}"
            return answers()

        assert wait_until(up, patience_s, _POLL_S), f"no {self._name} after {patience_s} s:\n{log_tail(log)}"

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it answer nobody for the time of a block, as if its machine stood still."""
        assert self._process is not None, f"the {self._name} does not run"
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a warning; its files stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_UP_S)
            self._process = None


class _Startable(Protocol):
    def start(self) -> None:
        """Start it."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


S = TypeVar("S", bound=_Startable)


@contextmanager
def running(server: S) -> Iterator[S]:
    """Have it run for a while."""
    try:
        server.start()
        yield server
    finally:
        server.kill()
