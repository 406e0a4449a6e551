"""Whether there are slots enough: in real time each partition holds one for as long as the query runs. Pure.

With too few of them Spark says nothing: the partitions that found none are not read, and the others go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SPARE", "Need"]

SPARE = 2
"""Slots that no partition may have: loading a model, and scoring one in frames, are tasks too."""


@dataclass(frozen=True, slots=True)
class Need:
    """What the topics of the job's queries come to."""

    topics: int
    partitions: int

    @classmethod
    def of(cls, *partitions: Mapping[str, int]) -> Need:
        """Return it for the partitions of topics, of one query each."""
        return cls(sum(map(len, partitions)), sum(sum(each.values()) for each in partitions))

    @property
    def slots(self) -> int:
        """How many slots real time takes."""
        return self.partitions + SPARE

    def shortage(self, slots: int) -> str | None:
        """Say what is short and what to do; None: nothing is."""
        if self.slots <= slots:
            return None
        return (
            f"job spark reads {self.partitions} partitions of {self.topics} topics in real time, which needs"
            f" {self.slots} slots ({SPARE} for loading models), and spark.slots is {slots}: raise it to at least"
            f" {self.slots}, or set spark.trigger to micro-batch"
        )
