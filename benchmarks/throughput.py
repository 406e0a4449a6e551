"""Throughput: how fast a program works off its backlog, and what CPU each event costs, over the steady part."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka import TopicPartition

from benchmarks import usage
from benchmarks.programs import Jobs
from penstock import kafka
from penstock.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka import KafkaConsumer

    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program

__all__ = ["Backlog", "Throughput"]

#: The part of the backlog that counts: programs start and end unevenly.
STEADY = (0.20, 0.95)
_LOOK_S = 0.05
#: How often it is seen whether the program still runs, in looks.
_CHECK_EVERY = 100
_DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """One turn of one program. CPU in microseconds per event."""

    events_per_s: float
    seconds: float
    jvm_us: float
    compilers_us: float
    """Part of ``jvm_us`` that would not be there in a longer run."""
    python_us: float
    broker_us: float
    other_cores: float
    """How many cores other programs of this machine used meanwhile."""

    @property
    def program_us(self) -> float:
        """What an event costs the program itself."""
        return self.jvm_us + self.python_us


class Backlog:
    """The progress of a program through the records that waited for it when this was made."""

    def __init__(self, own: OwnStack, program: Program) -> None:
        self._own = own
        self._program = program
        self._consumer = kafka.consumer(own.settings.kafka.external)
        partitions = range(own.settings.topics.partitions)
        self._outputs = [TopicPartition(topic, number) for topic in program.outputs for number in partitions]
        self._letters = [TopicPartition(program.dead_letters, number) for number in partitions]
        self.size = _count(self._consumer, [TopicPartition(program.source, number) for number in partitions])
        self._before = _count(self._consumer, self._outputs)

    def expect(self, size: int) -> None:
        """Begin anew: ``size`` records are about to be written, and nothing else waits."""
        self.size = size
        self._before = _count(self._consumer, self._outputs)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def measure(self, check: Callable[[], None]) -> Throughput:
        """Wait until the steady part is over, and say what it took.

        Raises:
            StackError: the program ended, or was not that far in time, or wrote dead letters.
        """
        first, last = (self._await(share, check) for share in STEADY)
        cost = usage.between(first[1], last[1])
        events = last[0] - first[0]
        each_us = 1e6 / events
        return Throughput(
            events_per_s=events / cost.seconds,
            seconds=cost.seconds,
            jvm_us=cost.jvm * each_us,
            compilers_us=cost.compilers * each_us,
            python_us=cost.python * each_us,
            broker_us=cost.broker * each_us,
            other_cores=cost.others / cost.seconds,
        )

    def drain(self, check: Callable[[], None]) -> None:
        """Wait until the backlog is gone."""
        self._await(1.0, check)

    def refuse_dead_letters(self) -> None:
        """Raise `StackError` if the program has written any: what was measured then is not its work."""
        count = _count(self._consumer, self._letters)
        if count:
            advice = f"the topic {self._program.dead_letters!r} has {count} records, expected none"
            raise StackError(f"measure {self._program.name}", "", advice)

    def _await(self, share: float, check: Callable[[], None]) -> tuple[float, usage.Snapshot]:
        deadline, looks, done = time.monotonic() + _DEADLINE_S, 0, 0.0
        while time.monotonic() < deadline:
            done = (_count(self._consumer, self._outputs) - self._before) / self._program.hops
            if done >= share * self.size:
                return done, usage.snapshot(self._own.layout, of_penstock=isinstance(self._program.run, Jobs))
            looks += 1
            if looks % _CHECK_EVERY == 0:
                check()
            time.sleep(_LOOK_S)
        advice = f"after {_DEADLINE_S:g} s it had written {done:.0f} of {share * self.size:.0f} events"
        raise StackError(
            f"measure {self._program.name}", "", f"{advice}; the logs are in {str(self._own.layout.logs)!r}"
        )


def _count(consumer: KafkaConsumer, partitions: Iterable[TopicPartition]) -> int:
    return sum(consumer.end_offsets(list(partitions)).values())
