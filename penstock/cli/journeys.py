"""Where marked events have been seen, how long each hop took, and why one stopped. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from penstock.cli.tables import table
from penstock.deadletter import Cause
from penstock.deadletter import Stage as GivenUpBy
from penstock.event import CE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.cli.probes import Probe
    from penstock.cli.records import Record

__all__ = ["Hop", "Journey", "Outcome", "Stage", "journeys_table"]

#: How long an event may take to a stage whose job does not run before it is given up: it may run after all, elsewhere.
_HOPELESS_S = 2.0


class Hop(StrEnum):
    """The topics that an event passes, in their order."""

    EVENT = "event"
    REQUEST = "request"
    RESULT = "result"
    OUTPUT = "output"


#: The last topic that an event has passed that a stage gives up.
_BEFORE: dict[GivenUpBy | str, Hop] = {
    **dict.fromkeys(GivenUpBy, Hop.REQUEST),
    GivenUpBy.INPUT_ADAPTER: Hop.EVENT,
    GivenUpBy.OUTPUT_ADAPTER: Hop.RESULT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What carries an event to its next topic: its job on Flink, and whether and why that does not run."""

    job: str
    fault: str | None = None
    known: bool = True
    """Whether Flink could be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a route is: milliseconds by hop as far as the event came, and why it stopped; None: it is well."""

    route: str
    hops_ms: Mapping[str, float]
    reached: Hop | None = None
    fault: str | None = None

    def as_object(self) -> dict[str, object]:
        """The outcome for JSON."""
        return {
            "route": self.route,
            "well": self.fault is None,
            "reached": self.reached,
            "hops_ms": self.hops_ms,
            "fault": self.fault,
        }


@dataclass(slots=True, kw_only=True)
class Journey:
    """One event on its way. ``stages`` carry it, by the hop that they lead to; times are in seconds."""

    probe: Probe
    stages: Mapping[Hop, Stage]
    sent: float
    dead_letters: str
    seen: dict[Hop, float] = field(default_factory=dict)
    cause: Cause | None = None
    refusal: str | None = None
    """Why the broker did not take the event."""

    def __post_init__(self) -> None:
        self.seen[Hop.EVENT] = self.sent

    def meet(self, record: Record, now: float) -> None:
        """Note that a record was seen, if it is this event's."""
        if record.header(CE_ID) != self.probe.id:
            return
        if record.topic == self.dead_letters:
            headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
            self.cause = self.cause or Cause.parse(headers)
            return
        for hop, topic in zip(Hop, self.probe.topics, strict=True):
            if topic == record.topic:
                self.seen.setdefault(hop, now)

    def over(self, now: float) -> bool:
        """Whether there is nothing more to wait for."""
        if self.cause is not None or self.refusal is not None:
            return True
        if Hop.OUTPUT in self.seen:  # the hops before it may be shown after it
            return len(self.seen) == len(Hop)
        stopped = self.stages[self._next].fault is not None
        return stopped and now - self.seen[self._last] > _HOPELESS_S

    def outcome(self, waited_s: float) -> Outcome:
        """How it went, when waiting is over."""
        return Outcome(
            route=self.probe.route,
            hops_ms=self._hops_ms(),
            reached=self._last,
            fault=None if Hop.OUTPUT in self.seen else self._fault(waited_s),
        )

    @property
    def _last(self) -> Hop:
        passed = Hop.EVENT if self.cause is None else _BEFORE.get(self.cause.stage, Hop.EVENT)
        # A dead letter may be shown before the record that it came of.
        return max((*self.seen, passed), key=list(Hop).index)

    @property
    def _next(self) -> Hop:
        order = list(Hop)
        return order[order.index(self._last) + 1]

    def _hops_ms(self) -> dict[str, float]:
        """Each hop from the one before it that was seen. The consumer may show them in another order than they came."""
        found, before = {}, self.sent
        for hop in list(Hop)[1:]:
            if hop in self.seen:
                found[hop.value] = round(max(0.0, self.seen[hop] - before) * 1000, 1)
                before = max(before, self.seen[hop])
        return found

    def _fault(self, waited_s: float) -> str:
        place = f"stopped after {self._last.value} ({self.probe.topics[list(Hop).index(self._last)]})"
        if self.refusal is not None:
            return f"not sent: {self.refusal}"
        if self.cause is not None:
            return f"{place}: dead letter {self.cause.code} from {self.cause.stage}: {self.cause.reason}"
        stage = self.stages[self._next]
        if stage.fault is not None:
            return f"{place}: {stage.fault}"
        missing = f"nothing came to {self.probe.topics[list(Hop).index(self._next)]!r} in {waited_s:.0f} s"
        if not stage.known:
            return f"{place}: {missing}; whether job {stage.job!r} runs is not known"
        return f"{place}: {missing}, though job {stage.job!r} runs: is it behind? Try a longer --timeout, see its log"


def journeys_table(outcomes: Sequence[Outcome]) -> str:
    """A line a route: milliseconds of each hop, of the whole way, and the verdict."""
    hops = [hop.value for hop in Hop][1:]
    rows = [
        [
            outcome.route,
            *(outcome.hops_ms.get(hop) for hop in hops),
            sum(outcome.hops_ms.values()) if outcome.fault is None else None,
            "well" if outcome.fault is None else outcome.fault,
        ]
        for outcome in outcomes
    ]
    return table(["route", *(f"{hop} ms" for hop in hops), "total ms", "verdict"], rows)
