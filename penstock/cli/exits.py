"""Exit statuses of the commands: one meaning each, the same for every command."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a command's exit status says."""

    OK = 0
    """What was asked for was done."""
    FAILED = 1
    """It was not, or not all of it: the message says what."""
    USAGE = 2
    """The command line, the settings, the routing document or a model are wrong; nothing was tried."""
    UNAVAILABLE = 3
    """Kafka, or the store of models' files, cannot be used."""
    TIMED_OUT = 4
    """The time given ended first."""
    LACKING = 5
    """This machine lacks something that the embedded stack needs; nothing was started."""
    STEP_FAILED = 6
    """A step of the embedded stack failed; what was started before it keeps running."""
    INTERRUPTED = 130
    """Ctrl-C came before the end that was asked for."""
    TERMINATED = 143
    """SIGTERM came before the end; what was begun was cleaned up."""
