"""What Flink makes of each pipeline's SQL: one call of Python, no shuffle, and names that stay."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from penstock.deployables import SCORING, chosen
from penstock.flink.pipeline import Flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflink.table import StatementSet

    from tests.flink.conftest import FileFlow

DEPLOYABLES = ("input_adapter", "jobs.pmml_job", "jobs.service_job", "output_adapter")
JOBS = ("pmml", "service")
#: Job names and consumer groups are what a restart continues from: renaming one loses its place in every topic.
NAMES = {
    "input_adapter": ("penstock-input-adapter", "penstock.input-adapter"),
    "jobs.pmml_job": ("penstock-pmml-job", "penstock.pmml-job"),
    "jobs.service_job": ("penstock-service-job", "penstock.service-job"),
    "output_adapter": ("penstock-output-adapter", "penstock.output-adapter"),
}
SOURCES = {
    "input_adapter": "events",
    "jobs.pmml_job": "requests",
    "jobs.service_job": "requests",
    "output_adapter": "results",
}
#: Jobs that score have one for shadows beside the one for what users wait for.
PIPELINES = {"input_adapter": 1, "jobs.pmml_job": 2, "jobs.service_job": 2, "output_adapter": 1}
ONE = {"kafka.external.bootstrap_servers": "users:9092"}
TWO = {**ONE, "kafka.internal.bootstrap_servers": "ours:9092", "topics.prefix": "pen_stock"}


class Built:
    """A pipeline as its deployable builds it, over Kafka's own tables; nothing connects before it runs."""

    def __init__(self, deployable: str, empty: FileFlow) -> None:
        module: Any = import_module(f"{deployable}.pipeline")
        self.environment = empty.environment
        flow = Flow(
            environment=empty.environment,
            settings=empty.settings,
            deployable=module.DEPLOYABLE,
            sources=("events", "csv-events"),
        )
        self.statements: StatementSet = module.build(flow, empty.settings)

    def plan(self) -> str:
        """The plan that is run, after all optimization."""
        return str(self.statements.explain()).partition("== Optimized Execution Plan ==")[2]

    def options(self, table: str) -> dict[str, str]:
        """A table's options as Flink has understood them."""
        with self.environment.execute_sql(f"SHOW CREATE TABLE `{table}`").collect() as rows:
            text = next(iter(rows))[0]
        return dict(re.findall(r"'([^']+)' = '([^']*)'", text))


@pytest.fixture
def build(make_flow: Callable[..., FileFlow]) -> Callable[..., Built]:
    """Build a deployable's pipeline with changed settings."""

    def make(deployable: str, overrides: dict[str, object]) -> Built:
        return Built(deployable, make_flow(overrides=overrides))

    return make


@pytest.mark.parametrize("clusters", [pytest.param(ONE, id="one cluster"), pytest.param(TWO, id="two clusters")])
@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_python_is_called_once(build: Callable[..., Built], deployable: str, clusters: dict[str, object]) -> None:
    """Neither a field of the answer, nor further records, nor a second sink makes the planner call the function again.

    And records stay in the chain that read their partition, so that events of one key stay in order.
    """
    plan = build(deployable, clusters).plan()

    pipelines = PIPELINES[deployable]
    assert plan.count("PythonCalc(") == pipelines, plan
    assert plan.count("TableSourceScan(") == pipelines, plan
    assert plan.count("Sink(") == pipelines + (0 if clusters is ONE else 1), plan
    assert "Exchange" not in plan, plan
    assert "Union" not in plan, plan


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_only_where_events_become_several_is_there_a_place_for_it(build: Callable[..., Built], deployable: str) -> None:
    """It costs each record a call. Behind it all is as elsewhere: one place where headers are put together."""
    plan = build(deployable, ONE).plan()

    assert plan.count("Correlate(") == (1 if deployable == "input_adapter" else 0), plan
    assert plan.count("penstock_headers(") == PIPELINES[deployable], plan


@pytest.mark.parametrize("job", JOBS)
def test_shadows_share_nothing_with_what_users_wait_for(build: Callable[..., Built], job: str) -> None:
    """Neither topics nor progress nor transactions: each pipeline of the job stands for itself."""
    built = build(f"jobs.{job}_job", {**TWO, "topics.prefix": "penstock", "flink.delivery_guarantee": "exactly-once"})
    requests, copies = built.options("requests"), built.options("copies")

    assert re.fullmatch(copies["topic-pattern"], f"penstock.shadow-{job}.iris-tree")
    assert not re.fullmatch(copies["topic-pattern"], f"penstock.{job}.iris-tree")
    assert not re.fullmatch(requests["topic-pattern"], f"penstock.shadow-{job}.iris-tree")
    assert (requests["properties.group.id"], copies["properties.group.id"]) == (
        f"penstock.{job}-job",
        f"penstock.{job}-job-shadows",
    )
    prefixes = [
        built.options(table)["sink.transactional-id-prefix"]
        for table in ("internal_records", "external_records", "shadow_records")
    ]
    assert not [(one, two) for one in prefixes for two in prefixes if one is not two and one.startswith(two)]
    assert built.options("shadow_records")["properties.bootstrap.servers"] == "ours:9092"


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_key_and_headers_stay_in_the_engine(build: Callable[..., Built], deployable: str) -> None:
    """What Python need not see does not cross; headers pass by as bytes, for a map is copied entry by entry.

    The input adapter splits events by their keys, or by where they stand.
    """
    plan = build(deployable, ONE).plan()
    unseen = {"headers", "own_headers"} | (set() if deployable == "input_adapter" else {"key", "partition", "offset"})

    calls = list(re.finditer(r"PythonCalc\(select=\[(?P<kept>.*), \w+\((?P<given>[^()]*)\) AS \w+\]\)", plan))
    assert len(calls) == PIPELINES[deployable], plan
    for call in calls:
        kept, given = set(call["kept"].split(", ")), set(call["given"].split(", "))
        assert {"key", "own_headers", "partition", "offset", "timestamp"} <= kept, plan
        assert not unseen & given, plan
        assert "headers" not in kept, plan
    assert plan.count("penstock_packed(") == PIPELINES[deployable], plan


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_names_stay(build: Callable[..., Built], deployable: str) -> None:
    """Job, consumer group and prefix of transactions: a change here makes running installations start anew."""
    built = build(deployable, {**ONE, "flink.delivery_guarantee": "exactly-once"})

    job_name, group = NAMES[deployable]
    assert built.options(SOURCES[deployable])["properties.group.id"] == group
    assert built.options("records")["sink.transactional-id-prefix"] == f"{group}.records"
    assert [item.job_name for item in chosen(SCORING) if item.module == deployable] == [job_name]


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_installations_share_no_progress(build: Callable[..., Built], deployable: str) -> None:
    """On one broker, what one with another prefix has read or is writing is none of this one's business."""
    built = build(deployable, {**ONE, "topics.prefix": "other", "flink.delivery_guarantee": "exactly-once"})

    assert built.options(SOURCES[deployable])["properties.group.id"].startswith("other.")
    assert built.options("records")["sink.transactional-id-prefix"].startswith("other.")


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_clusters_are_not_mixed_up(build: Callable[..., Built], deployable: str) -> None:
    """Users' topics are read and written on their cluster, Penstock's own on the other."""
    built = build(deployable, TWO)
    servers = {
        table: built.options(table)["properties.bootstrap.servers"]
        for table in (SOURCES[deployable], "internal_records", "external_records")
    }

    assert list(servers.values()) == [
        "users:9092" if deployable == "input_adapter" else "ours:9092",
        "ours:9092",
        "users:9092",
    ]


def test_prefix_is_taken_literally(build: Callable[..., Built]) -> None:
    """An underscore in the prefix matches itself only: a user's topic `penXstock.results` is not ours."""
    plan = build("input_adapter", TWO).plan()

    assert len(re.findall(r"'pen!_stock\.%', (_UTF-16LE)?'!'", plan)) == 2, plan


def test_input_adapter_reads_the_sources_that_it_is_given(build: Callable[..., Built]) -> None:
    """Those of the document that was in force when it was submitted."""
    assert build("input_adapter", ONE).options("events")["topic"] == "events;csv-events"


@pytest.mark.parametrize("job", JOBS)
def test_jobs_read_all_of_their_request_topics(build: Callable[..., Built], job: str) -> None:
    """Topics of models that come later are found by their name."""
    options = build(f"jobs.{job}_job", ONE).options("requests")

    assert re.fullmatch(options["topic-pattern"], f"penstock.{job}.iris-tree")
    assert not re.fullmatch(options["topic-pattern"], "penstock.spark.sentiment")
    assert int(options["scan.topic-partition-discovery.interval"].removesuffix("ms")) > 0


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_models_are_no_part_of_what_is_submitted(build: Callable[..., Built], deployable: str) -> None:
    """They come and go by the registry's topic: a job is the same with others, and is not submitted again for them."""
    built = build(deployable, {**ONE, "models_dir": "/nowhere"})

    assert "iris" not in built.plan()
