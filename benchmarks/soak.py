"""Many models in little memory, for a long time: ``python -m benchmarks.soak``.

Requests for 200 registered models, few of them asked often and most seldom, go through the PMML job, which keeps 32
in memory: it lets go and loads again all the time. What its workers hold is looked at every few seconds. The rate is
low because one request in four needs a load: many more than can be loaded are refused, as they should be.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

import click
import psutil
from kafka import TopicPartition

from benchmarks import execution, own_stack, zoo
from benchmarks.documents import scoring
from benchmarks.programs import Jobs, Program
from benchmarks.workload import Work
from penstock import iris, kafka, topics
from penstock.cli.exits import Exit
from penstock.control.models import ModelsTopic
from penstock.control.watching import ModelWatch
from penstock.deployables import PMML_JOB
from penstock.errors import PenstockError, StackError
from penstock.event import CONFIG_VERSION, MODEL
from penstock.models.catalog_events import State
from penstock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.own_stack import OwnStack
    from penstock.control.model_signs import ModelsSign
    from penstock.models.descriptor import ModelDescriptor

__all__ = ["KINDS", "Sample", "main", "thirds", "zipf"]

_MIB = 1024 * 1024
_NAME = "soak"
_SOURCE = topics.request_topic(f"bench-{_NAME}", "pmml", zoo.name_of(0))
KINDS = ("iris-tree", "iris-forest", "iris-logistic", "iris-kmeans")
"""What the models are copies of; the forest has 200 KB, and half a megabyte in memory."""
_STEEPNESS = 1.1
_SAMPLE_S = 5.0
_LOOK_S = 0.5
_DRAIN_S = 60.0
#: By how much the last third may hold more than the first before this counts as growth.
_MOST_GROWTH = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What there was at one moment."""

    at_s: float
    """Since the first request."""
    resident_mib: tuple[int, ...]
    """Of each worker, the largest first."""
    ready: int
    """Most versions that a worker has in memory."""
    written: int
    """Results until then."""


def zipf(count: int) -> list[float]:
    """How often each model is asked for beside the others, the most popular first."""
    return [1 / (rank + 1) ** _STEEPNESS for rank in range(count)]


def thirds(samples: Sequence[Sample]) -> tuple[int, int]:
    """The most memory that all workers held together, in the first and in the last third of the time."""
    held = [sum(sample.resident_mib) for sample in samples]
    part = max(1, len(held) // 3)
    return max(held[:part]), max(held[-part:])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="How long.")
@click.option("--models", type=click.IntRange(min=2), default=200, show_default=True, help="Registered models.")
@click.option("--loaded", type=click.IntRange(min=1), default=32, show_default=True, help="`models.most_loaded`.")
@click.option("--rate", type=click.IntRange(min=1), default=40, show_default=True, help="Requests a second.")
def main(*, minutes: float, models: int, loaded: int, rate: int) -> None:
    """Show that memory stays bounded while models come and go.

    It starts a broker and a Flink cluster of its own and touches no other. Exit status 1: memory grew by more than a
    tenth from the first to the last third, or a request was not answered with a score.
    """
    plain = own_stack.own_settings().model_dump()
    settings = Settings(**{**plain, "models": {**plain["models"], "most_loaded": loaded}})
    try:
        with own_stack.running(settings) as own:
            described = zoo.zoo(models, own.layout.data / "zoo", settings, KINDS)
            samples, sent, letters = _run(own, described, minutes * 60, rate)
    except PenstockError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(Exit.STEP_FAILED) from error
    first, last = thirds(samples)
    click.echo(
        f"\n{models} models registered, at most {max(sample.ready for sample in samples)} of {loaded} in memory; "
        f"{samples[-1].written:,} results of {sent:,} requests in {samples[-1].at_s:.0f} s, {letters} dead letters\n"
        f"workers together, most: {first:,} MiB in the first third, {last:,} MiB in the last: x {last / first:.2f}"
    )
    if letters or samples[-1].written < sent or last > _MOST_GROWTH * first:
        raise click.exceptions.Exit(Exit.FAILED)


def _program() -> Program:
    document = scoring("bench-unused", zoo.name_of(0), "bench-unused-scores")
    prefix = f"bench-{_NAME}"
    return Program(
        name=_NAME,
        title="many models in little memory",
        run=Jobs(deployables=(PMML_JOB,), document=document),
        work=Work.TREE_REQUESTS,
        source=_SOURCE,
        outputs=(topics.results(prefix),),
        received=(),
        live=True,
    )


def _run(
    own: OwnStack, described: Sequence[ModelDescriptor], seconds: float, rate: int
) -> tuple[list[Sample], int, int]:
    """Write requests for so long; returns what was seen, how many they were, and how many were refused."""
    program = _program()
    own.install(program)
    inner = own.settings_of(program)
    with ModelsTopic(inner) as registered:
        for descriptor in described:
            registered.register(descriptor)
    counted = kafka.consumer(own.settings.kafka.external, group_id=None, enable_auto_commit=False)
    written, refused = (
        [TopicPartition(name, number) for number in range(own.settings.topics.partitions)]
        for name in (program.outputs[0], program.dead_letters)
    )
    samples: list[Sample] = []
    over = Event()
    try:
        with execution.executing(own, program, 0) as check, ModelWatch(inner) as watch:
            _await_workers(watch)
            sender = _Sender(own, [str(one.ref) for one in described], rate, over)
            began = time.monotonic()
            sender.start()
            while (passed := time.monotonic() - began) < seconds + _DRAIN_S:
                if passed > seconds:
                    over.set()
                samples.append(_sample(watch, passed, sum(counted.end_offsets(written).values())))
                _tell(samples[-1])
                if over.is_set() and not sender.is_alive() and samples[-1].written >= sender.count:
                    break
                check()
                _listen(watch, _SAMPLE_S)
        return samples, sender.count, sum(counted.end_offsets(refused).values())
    finally:
        over.set()
        counted.close()


def _await_workers(watch: ModelWatch) -> None:
    """Wait until the workers that score have what fits; the others load nothing before the first copy comes."""
    until = time.monotonic() + _DRAIN_S
    while not any(sign.models and _loads(sign) == 0 for sign in watch.states.values()):
        if time.monotonic() > until:
            raise StackError("soak", "", f"after {_DRAIN_S:g} s no worker had any model ready")
        _listen(watch, _LOOK_S)


def _loads(sign: ModelsSign) -> int:
    states = [one.state for one in sign.models.values()]
    return states.count(State.LOADING) if State.READY in states else len(states)


def _listen(watch: ModelWatch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.listen(int(1000 * _LOOK_S))


def _sample(watch: ModelWatch, at_s: float, written: int) -> Sample:
    signs = watch.states.values()
    ready = [sum(one.state is State.READY for one in sign.models.values()) for sign in signs]
    pids = {state.sign.pid for state in watch.workers.states.values() if psutil.pid_exists(state.sign.pid)}
    resident = sorted((psutil.Process(pid).memory_info().rss // _MIB for pid in pids), reverse=True)
    return Sample(at_s=at_s, resident_mib=tuple(resident), ready=max(ready, default=0), written=written)


def _tell(sample: Sample) -> None:
    held = " + ".join(map(str, sample.resident_mib))
    click.echo(f"{sample.at_s:6.0f} s  {sample.ready:3} ready  {held} MiB  {sample.written:,} results")


class _Sender(Thread):
    """Writes requests at a rate until it is told to stop."""

    def __init__(self, own: OwnStack, refs: Sequence[str], rate: int, over: Event) -> None:
        super().__init__(daemon=True)
        self._own, self._refs, self._rate, self._over = own, refs, rate, over
        self.count = 0

    def run(self) -> None:
        """Write."""
        client = kafka.producer(self._own.settings.kafka.external, linger_ms=5)
        began = time.monotonic()
        try:
            for ref, value in self._requests():
                if self._over.wait(max(0.0, began + self.count / self._rate - time.monotonic())):
                    break
                headers = [(MODEL, ref.encode()), (CONFIG_VERSION, b"1")]
                client.send(_SOURCE, value, key=b"k%d" % (self.count % 100), headers=headers)
                self.count += 1
        finally:
            client.close()

    def _requests(self) -> Iterator[tuple[str, bytes]]:
        draw = random.Random(1)  # noqa: S311 the same every time, nothing secret
        values = [event.value or b"" for event in iris.events(iris.Recipe(count=1000, keys=100, seed=1))]
        refs = list(self._refs)
        draw.shuffle(refs)
        weights = zipf(len(refs))
        while True:
            yield from zip(draw.choices(refs, weights, k=1000), draw.choices(values, k=1000), strict=True)


if __name__ == "__main__":
    main()
