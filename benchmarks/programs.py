"""The programs that are measured: what each reads and writes, how it is run, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import documents, zoo
from benchmarks.names import COPY_OUTPUT, FLOW_EVENTS, IRIS_EVENTS, ROUTING_EVENTS, SPLIT_EVENTS
from benchmarks.peers.flink_copy.pipeline import DEPLOYABLE as FLINK_COPY
from benchmarks.workload import MIXED, Work
from penstock import topics
from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER, PMML_JOB, SERVICE_JOB, SPARK_JOB
from penstock.local import engines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.deployables import Deployable

__all__ = ["PROGRAMS", "Jobs", "Peer", "Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs that run together, and the routing document that they follow."""

    deployables: tuple[Deployable, ...]
    document: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is set otherwise than in the project's settings, by section."""

    @property
    def flink(self) -> tuple[Deployable, ...]:
        """Those that the cluster runs."""
        return tuple(each for each in self.deployables if each.engine == "flink")

    @property
    def beside(self) -> tuple[str, ...]:
        """Processes that run beside the cluster, in the order in which they start."""
        wanted = {engines.MODEL_SERVER: SERVICE_JOB, engines.SPARK_DRIVER: SPARK_JOB}
        return tuple(name for name, each in wanted.items() if each in self.deployables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A reference program in a process of its own."""

    module: str
    model: str = ""
    requirements: str = ""
    """File in requirements/ of what goes into an environment of its own; empty: what it needs is in ours."""


_ROUTERS = {"copy": "flink-copy", "loop": "python-loop", "bytewax": "bytewax"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One measured program."""

    name: str
    title: str
    run: Jobs | Peer
    work: Work
    source: str
    outputs: tuple[str, ...]
    """Topics whose records are counted; its alone, so that what a predecessor writes late is not counted."""
    received: tuple[str, ...]
    """Topics at which an event's delay ends."""
    hops: int = 1
    """How often an event is written to the outputs on its way."""
    share: float = 1.0
    """Of the backlog: quick programs get more, slow ones less, so that all take some seconds and no one minutes."""
    live: bool = False
    """Whether its backlog is written when it runs already: jobs that feed each other must not start one by one."""
    latency: bool = False
    """Whether delays are measured."""
    rates: tuple[int, ...] = ()
    """Events a second at which they are, if not at those of all programs."""
    compared: Mapping[str, str] = field(default_factory=lambda: _ROUTERS)
    """Reference programs that its figures are divided by: column of the table, name of the program."""

    @property
    def prefix(self) -> str:
        """Prefix of the internal topics that it has to itself."""
        return f"bench-{self.name}"

    @property
    def dead_letters(self) -> str:
        """Topic that must stay empty."""
        return topics.dead_letters(self.prefix)


def _stage(name: str, title: str, **rest: Any) -> Program:
    """Describe a stage that writes each event once."""
    outputs = rest.pop("outputs")
    return Program(name=name, title=title, outputs=outputs, received=outputs, **rest)


def _pmml(model: str, work: Work, share: float) -> Program:
    name = f"pmml-{model.removeprefix('iris-')}"
    loop = {"iris-tree": "scoring-loop", "iris-forest": "scoring-loop-forest"}[model]
    return _stage(
        name,
        f"Penstock PMML stage, {model}",
        run=Jobs(deployables=(PMML_JOB,), document=documents.scoring("bench-unused", model, "bench-unused-scores")),
        work=work,
        source=topics.request_topic(f"bench-{name}", "pmml", model),
        outputs=(topics.results(f"bench-{name}"),),
        share=share,
        latency=True,
        compared={**_ROUTERS, "scoring": loop},
    )


def _mixed(work: Work, share: float) -> Program:
    """Describe the PMML stage with many models, of which each request is for any."""
    names = [zoo.name_of(number) for number in range(MIXED[work])]
    name = f"pmml-{work}"
    return _stage(
        name,
        f"Penstock PMML stage, {len(names)} models mixed",
        run=Jobs(deployables=(PMML_JOB,), document=documents.zoo("bench-unused", names, "bench-unused-scores")),
        work=work,
        source=topics.request_topic(f"bench-{name}", "pmml", names[0]),
        outputs=(topics.results(f"bench-{name}"),),
        share=share,
        latency=True,
        compared={**_ROUTERS, "plain": "pmml-tree"},
    )


def _of_service(name: str, title: str, share: float, **told: int) -> Program:
    """Describe the service job, with the embedded model server on the same processors."""
    return _stage(
        name,
        title,
        run=Jobs(
            deployables=(SERVICE_JOB,),
            document=documents.of_job("bench-unused", "image-classifier", "service", "bench-unused-scores"),
            settings={"service": told},
        ),
        work=Work.IMAGE_REQUESTS,
        source=topics.request_topic(f"bench-{name}", "service", "image-classifier"),
        outputs=(topics.results(f"bench-{name}"),),
        share=share,
        latency=True,
        rates=(200, 500, 1000),
        compared={**_ROUTERS, "one by one": "service-one-by-one"},
    )


def _of_spark(trigger: str) -> Program:
    name = f"spark-{trigger}"
    return _stage(
        name,
        f"Penstock Spark job, sentiment, {trigger}",
        run=Jobs(
            deployables=(SPARK_JOB,),
            document=documents.of_job("bench-unused", "sentiment", "spark", "bench-unused-scores"),
            settings={"spark": {"trigger": trigger}},
        ),
        work=Work.TEXT_REQUESTS,
        source=topics.request_topic(f"bench-{name}", "spark", "sentiment"),
        outputs=(topics.results(f"bench-{name}"),),
        share=0.15,
        latency=True,
        rates=(200, 1000),
        compared={**_ROUTERS, "micro": "spark-micro-batch"},
    )


def _scoring_loop(name: str, model: str) -> Program:
    return _stage(
        name,
        f"Python loop, scikit-learn by batch, {model}",
        run=Peer(module="benchmarks.peers.scoring_loop", model=model),
        work=Work.EVENTS,
        source=IRIS_EVENTS,
        outputs=(f"bench-{name}-out",),
    )


def _splits() -> Program:
    """Describe the adapter with all that a route can do. What counts are records: requests, and copies for shadows."""
    name = "input-adapter-splits"
    document = documents.splits(SPLIT_EVENTS)
    prefix = f"bench-{name}"
    copied = {shadow["model"] for route in document["routes"] for shadow in route.get("shadow", ())}
    return _stage(
        name,
        "Penstock input adapter: 10 routes with splits, a shadow, an expression",
        run=Jobs(deployables=(INPUT_ADAPTER,), document=document),
        work=Work.SPLIT,
        source=SPLIT_EVENTS,
        share=1.5,
        outputs=(
            *(topics.request_topic(prefix, "pmml", model) for model in document["models"]),
            *(topics.shadow_request_topic(prefix, "pmml", model) for model in sorted(copied)),
        ),
        compared={**_ROUTERS, "plain": "input-adapter"},
    )


def _end_to_end() -> Program:
    prefix, scores = "bench-end-to-end", "bench-flow-scores"
    requests = topics.request_topic(prefix, "pmml", "iris-tree")
    return Program(
        name="end-to-end",
        title="Penstock, all three stages, iris-tree",
        run=Jobs(
            deployables=(INPUT_ADAPTER, PMML_JOB, OUTPUT_ADAPTER),
            document=documents.scoring(FLOW_EVENTS, "iris-tree", scores),
        ),
        work=Work.EVENTS,
        source=FLOW_EVENTS,
        outputs=(requests, topics.results(prefix), scores),
        received=(scores,),
        hops=3,
        share=0.4,
        live=True,
        latency=True,
        compared={**_ROUTERS, "scoring": "scoring-loop"},
    )


PROGRAMS = (
    _stage(
        "flink-copy",
        "Flink SQL copy, in the JVM only",
        run=Jobs(deployables=(FLINK_COPY,), document=documents.routing(ROUTING_EVENTS)),
        work=Work.ROUTING,
        source=ROUTING_EVENTS,
        share=1.5,
        outputs=(COPY_OUTPUT,),
        latency=True,
    ),
    _stage(
        "python-loop",
        "Python loop: parse, route, two headers",
        run=Peer(module="benchmarks.peers.python_loop"),
        work=Work.ROUTING,
        source=ROUTING_EVENTS,
        share=1.5,
        outputs=("bench-python-loop-a", "bench-python-loop-b"),
        latency=True,
    ),
    _stage(
        "bytewax",
        "bytewax: parse, route, two headers",
        run=Peer(module="benchmarks.peers.bytewax_flow", requirements="bench-bytewax.txt"),
        work=Work.ROUTING,
        source=ROUTING_EVENTS,
        share=1.5,
        outputs=("bench-bytewax-a", "bench-bytewax-b"),
    ),
    _stage(
        "input-adapter",
        "Penstock input adapter, whole envelope",
        run=Jobs(deployables=(INPUT_ADAPTER,), document=documents.routing(ROUTING_EVENTS)),
        work=Work.ROUTING,
        source=ROUTING_EVENTS,
        share=1.5,
        outputs=tuple(topics.request_topic("bench-input-adapter", "pmml", name) for name in documents.MODELS.values()),
        latency=True,
    ),
    _splits(),
    _scoring_loop("scoring-loop", "iris-tree"),
    _stage(
        "pmml-loop",
        "Python loop, Penstock's PMML engine by batch, iris-tree",
        run=Peer(module="benchmarks.peers.pmml_loop", model="iris-tree"),
        work=Work.EVENTS,
        source=IRIS_EVENTS,
        outputs=("bench-pmml-loop-out",),
    ),
    _pmml("iris-tree", Work.TREE_REQUESTS, 1.0),
    _mixed(Work.MIXED_10, 0.6),
    _mixed(Work.MIXED_100, 0.4),
    _scoring_loop("scoring-loop-forest", "iris-forest"),
    _pmml("iris-forest", Work.FOREST_REQUESTS, 0.4),
    _of_service("service-one-by-one", "Penstock service job, one call per event", 0.01, batch_rows=1, in_flight=1),
    _of_service("service", "Penstock service job, image-classifier", 0.1),
    _of_spark("micro-batch"),
    _of_spark("real-time"),
    _stage(
        "output-adapter",
        "Penstock output adapter, whole result",
        run=Jobs(
            deployables=(OUTPUT_ADAPTER,),
            document=documents.scoring("bench-unused", "iris-tree", "bench-output-adapter-scores"),
        ),
        work=Work.RESULTS,
        source=topics.results("bench-output-adapter"),
        outputs=("bench-output-adapter-scores",),
        latency=True,
    ),
    _end_to_end(),
)
"""All of them, in the order in which they take their turns."""
