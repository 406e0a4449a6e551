"""A stand-in for the engine's metrics, which keeps what was counted, and for the context that hands them out."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CountedMetrics", "FunctionContext"]


@dataclass(slots=True)
class _Count:
    counts: dict[str, int]
    name: str

    def inc(self, n: int = 1) -> None:
        """Count ``n`` more."""
        self.counts[self.name] += n


@dataclass(slots=True)
class CountedMetrics:
    """A group of metrics; all groups below it share its counts, by full name: ``penstock.lost``."""

    counts: dict[str, int] = field(default_factory=dict)
    name: str = ""

    def add_group(self, name: str) -> CountedMetrics:
        """Return a group below this one."""
        return CountedMetrics(self.counts, f"{self.name}{name}.")

    def counter(self, name: str) -> _Count:
        """Return a counter that begins with nothing."""
        self.counts[f"{self.name}{name}"] = 0
        return _Count(self.counts, f"{self.name}{name}")


@dataclass(slots=True)
class FunctionContext:
    """What a function is opened with, as far as ours use it."""

    metrics: CountedMetrics = field(default_factory=CountedMetrics)

    def get_metric_group(self) -> CountedMetrics:
        """Return the metrics of the worker."""
        return self.metrics
