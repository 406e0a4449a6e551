"""When Spark takes records: in real time, or batch by batch where that cannot be. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.engine_sections import SparkSettings

__all__ = ["MICRO_BATCH", "REAL_TIME", "Choice", "Trigger", "refusal"]

REAL_TIME = "real-time"
MICRO_BATCH = "micro-batch"
#: Spark's conditions of refusals: STREAMING_REAL_TIME_MODE.<which>, INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL.
_RULE = re.compile(r"\[(?:INVALID_)?STREAMING_REAL_TIME_MODE.*", re.DOTALL)
_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a query is started with."""

    kind: str
    interval_ms: int

    def options(self) -> dict[str, str]:
        """Return it as pyspark's ``trigger`` takes it."""
        key = "realTime" if self.kind == REAL_TIME else "processingTime"
        return {key: f"{self.interval_ms} milliseconds"}


class Choice:
    """Which trigger is to be used now, and why it is not the one that was asked for."""

    def __init__(self, settings: SparkSettings) -> None:
        self._settings = settings
        self._refused: str | None = None
        self._shortage: str | None = None

    @property
    def trigger(self) -> Trigger:
        """The one for the next query."""
        settings = self._settings
        if settings.trigger == REAL_TIME and self.reason is None:
            return Trigger(REAL_TIME, settings.interval_ms)
        return Trigger(MICRO_BATCH, settings.interval_ms if settings.trigger == MICRO_BATCH else 0)

    @property
    def reason(self) -> str | None:
        """Why batches are taken where real time was asked for; None: they are not."""
        return self._refused or self._shortage

    def refused(self, why: str) -> None:
        """Real time was refused by Spark; it will be again, until the driver is another."""
        self._refused = why

    def short(self, why: str | None) -> None:
        """Slots are too few for real time, or (None) enough again."""
        self._shortage = why if self._settings.trigger == REAL_TIME else None


def refusal(text: str) -> str | None:
    """Return which rule of real time an error of Spark names, in a line; None: it is about something else."""
    found = _RULE.search(text)
    return " ".join(found[0].split())[:_CHARACTERS] if found else None
