"""``penstock doctor`` against a real broker, with stand-ins for Flink and for the jobs."""

from __future__ import annotations

import itertools
import json
import math
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from penstock import kafka, topics
from penstock.cli.reading import Reader
from penstock.control import models
from penstock.control.publisher import publish
from penstock.deadletter import Cause, ErrorCode, Stage
from penstock.models.descriptor import ModelDescriptor
from penstock.routing.document import load
from penstock.testing.ports import free_port
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Installation

    from penstock.cli.records import Record

ROUTING = """
version: 1
sources:
  - {{topic: events-{ending}, format: json, type: {{constant: iris}}}}
  - {{topic: others-{ending}, format: json, type: {{constant: other}}}}
routes:
  - {{name: iris, match: {{type: iris}}, model: tree, output: {{topic: scores-{ending}}}}}
  - {{name: other, match: {{type: other}}, model: forest, output: {{topic: other-scores-{ending}}}}}
models:
  tree: {{job: pmml}}
  forest: {{job: pmml}}
"""
DESCRIPTOR = {"version": 1, "job": "pmml", "format": "pmml", "uri": "m", "sha256": "0" * 64, "sample": {"a": 1}}
JOBS = ("penstock-input-adapter", "penstock-pmml-job", "penstock-output-adapter")
#: For whoever waits for what comes.
PATIENT = ("--timeout", str(SOON_S))


@contextmanager
def flink(lasting: float = math.inf, **states: str) -> Iterator[int]:
    """Answer as Flink's REST interface does, on the port given back.

    All jobs run unless ``states`` says otherwise, in the first ``lasting`` answers.
    """
    answers = itertools.count()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = states if next(answers) < lasting else {}
            jobs = [
                {
                    "jid": name,
                    "name": name,
                    "state": said.get(name.replace("-", "_"), "RUNNING"),
                    "start-time": 0,
                    "tasks": {"running": 2 if name.replace("-", "_") not in said else 0, "total": 2},
                }
                for name in JOBS
            ]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"jobs": jobs}).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that the library calls
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def jobs(installation: Installation, ways: Callable[[Record], tuple[str, dict[str, str]] | None]) -> Iterator[None]:
    """Carry records from topic to topic as the jobs would: ``ways`` says where each goes, and what headers it gets."""
    stop = threading.Event()
    client = kafka.producer(installation.cluster)
    with Reader(installation.cluster) as reader:
        mine = [
            name
            for name in reader.topics()
            if name.endswith(installation.ending) or name.startswith(f"{installation.settings.topics.prefix}.")
        ]
        partitions = reader.partitions(mine)
        reader.start(reader.ends(partitions))

        def carry() -> None:
            while not stop.is_set():
                for record in reader.poll(20):
                    way = ways(record)
                    if way is not None:
                        topic, added = way
                        headers = [*record.headers, *((name, text.encode()) for name, text in added.items())]
                        client.send(topic, key=record.key, value=record.value, headers=headers)
                client.flush()

        thread = threading.Thread(target=carry)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            client.close()


@pytest.fixture
def make_routed(make_installation: Callable[..., Installation], tmp_path: Path) -> Callable[..., Installation]:
    """A factory of installations with a routing document, models, and all topics but those that begin as told."""

    def make(*, without: str = "-", names: Sequence[str] = ("tree", "forest"), **overrides: object) -> Installation:
        routing = tmp_path / "routing.yaml"
        found = make_installation(routing_file=str(routing), **overrides)
        routing.write_text(ROUTING.format(ending=found.ending), encoding="utf-8")
        plan = topics.topics_for(load(routing), found.settings)
        wanted = [topic for topic in (*plan.external, *plan.internal) if not topic.name.startswith(without)]
        topics.ensure(found.cluster, wanted)
        for name in names:
            models.register(found.settings, ModelDescriptor.parse({**DESCRIPTOR, "name": name}, "here"))
        return found

    return make


def ways(installation: Installation) -> dict[str, str]:
    """From topic to topic; results of both routes have to be told apart by whoever uses this."""
    prefix, ending = installation.settings.topics.prefix, installation.ending
    return {
        f"events-{ending}": f"{prefix}.pmml.tree",
        f"others-{ending}": f"{prefix}.pmml.forest",
        f"{prefix}.pmml.tree": f"{prefix}.results",
        f"{prefix}.pmml.forest": f"{prefix}.results",
    }


def output_of(installation: Installation, record: Record) -> str:
    """The output topic of the route that an event of the doctor's is for."""
    ending = installation.ending
    return f"other-scores-{ending}" if (record.header("ce_id") or "").endswith("other") else f"scores-{ending}"


def carried(installation: Installation, record: Record) -> tuple[str, dict[str, str]] | None:
    """Where a record goes when all is well."""
    if record.topic == f"{installation.settings.topics.prefix}.results":
        return output_of(installation, record), {}
    way = ways(installation).get(record.topic)
    return way and (way, {})


def test_every_route_well(make_routed: Callable[..., Installation]) -> None:
    """Where all parts are there and every event comes through, the status is 0 and each hop has its time."""
    with flink() as port:
        routed = make_routed(**{"flink.rest_port": port})
        with jobs(routed, lambda record: carried(routed, record)):
            text = routed.run("doctor", *PATIENT).stdout
            (report,) = routed.lines("doctor", *PATIENT)

    assert [line.split()[-1] for line in text.splitlines()[-2:]] == ["well", "well"]
    assert report["well"]
    assert all(check["well"] for check in report["checks"])
    assert [route["route"] for route in report["routes"]] == ["iris", "other"]
    assert all(route["hops_ms"].keys() == {"request", "result", "output"} for route in report["routes"])


def test_the_document_in_force_is_gone_by(make_routed: Callable[..., Installation]) -> None:
    """A route that stands only in somebody's file is none yet; without any in force, the file's are tried."""
    routed = make_routed(**{"flink.rest_port": 1})
    file = routed.settings.routing_file
    only = ("doctor", "--route", "other", "--timeout", "0.1")
    before = routed.run(*only, expect=1).stdout
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    publish(routed.settings, json.dumps(tree | {"version": 2, "routes": tree["routes"][:1]}))
    after = routed.run(*only, expect=2).stderr

    assert f"routing  version 1, of '{file}', as none is in force on " in before
    assert "no route 'other'" in after


def test_a_dead_letter_is_where_it_stopped(make_routed: Callable[..., Installation]) -> None:
    """A route whose event becomes a dead letter is not well, for the letter's reason; the others may be."""
    with flink() as port:
        routed = make_routed(**{"flink.rest_port": port})
        prefix = routed.settings.topics.prefix

        def refused(record: Record) -> tuple[str, dict[str, str]] | None:
            if record.topic == f"{prefix}.pmml.forest":
                cause = Cause(
                    code=ErrorCode.INPUT,
                    reason="field 'b' is missing",
                    stage=Stage.PMML_JOB,
                    component="scorer",
                    record=record.coordinates,
                )
                return topics.dead_letters(prefix), cause.headers()
            return carried(routed, record)

        with jobs(routed, refused):
            report = json.loads(routed.run("doctor", "--format", "json", *PATIENT, expect=1).stdout)

    one, two = report["routes"]
    assert one["well"]
    assert two["reached"] == "request"
    assert two["fault"] == (
        f"stopped after request ({prefix}.pmml.forest): dead letter INPUT from pmml_job: field 'b' is missing"
    )


def test_a_job_that_does_not_run_is_named(make_routed: Callable[..., Installation]) -> None:
    """A job that restarts fails its check, and the hop that it should have made is where the events stopped."""
    with flink(penstock_pmml_job="RESTARTING") as port:
        routed = make_routed(**{"flink.rest_port": port})

        def unscored(record: Record) -> tuple[str, dict[str, str]] | None:
            return carried(routed, record) if not record.topic.startswith(routed.settings.topics.prefix) else None

        with jobs(routed, unscored):
            report = json.loads(routed.run("doctor", "--format", "json", *PATIENT, expect=1).stdout)

    assert [check["name"] for check in report["checks"] if not check["well"]] == ["jobs"]
    assert [route["reached"] for route in report["routes"]] == ["request", "request"]
    assert "job 'penstock-pmml-job' is RESTARTING, 0 of 2 tasks run" in report["routes"][0]["fault"]


def test_job_outside_flink_is_asked_for_a_sign_of_life(make_routed: Callable[..., Installation]) -> None:
    """Flink knows nothing of Spark's driver, and nobody listens where the model server should."""
    with flink() as port:
        routed = make_routed(**{"flink.rest_port": port, "local.model_server_port": free_port()})
        file = routed.settings.routing_file
        text = file.read_text(encoding="utf-8")
        others = text.replace("tree: {job: pmml}", "tree: {job: spark}").replace(
            "est: {job: pmml}", "est: {job: service}"
        )
        file.write_text(others, encoding="utf-8")
        report = json.loads(routed.run("doctor", "--format", "json", "--timeout", "0.5", expect=1).stdout)

    faults = {check["name"]: check["detail"] for check in report["checks"] if not check["well"]}
    assert "job 'penstock-spark-job' gives no sign of life; 'penstock up' starts its driver" in faults["jobs"]
    assert "nobody listens: default at 127.0.0.1:" in faults["servers"]


def test_jobs_that_are_starting_are_waited_for(make_routed: Callable[..., Installation]) -> None:
    """Right after a submission tasks are on their way, which is no fault."""
    with flink(lasting=3, penstock_pmml_job="INITIALIZING") as port:
        routed = make_routed(**{"flink.rest_port": port})
        with jobs(routed, lambda record: carried(routed, record)):
            (report,) = routed.lines("doctor", *PATIENT)

    assert report["well"]


def test_jobs_that_never_start_are_named(make_routed: Callable[..., Installation]) -> None:
    """Waiting for them ends with the time that was given."""
    with flink(penstock_pmml_job="INITIALIZING") as port:
        routed = make_routed(**{"flink.rest_port": port})
        text = routed.run("doctor", "--timeout", "1", expect=1).stdout

    assert "job 'penstock-pmml-job' is INITIALIZING, 0 of 2 tasks run" in text


def test_without_flink_and_jobs_the_timeout_tells(make_routed: Callable[..., Installation]) -> None:
    """Where nothing runs, the events stop right after they were sent, when the time is over."""
    routed = make_routed(**{"flink.rest_port": 1})
    text = routed.run("doctor", "--route", "iris", "--timeout", "1", expect=1).stdout

    assert "FAIL  jobs     no Flink cluster answers" in text
    assert f"stopped after event (events-{routed.ending}): nothing came to" in text
    assert "whether job 'penstock-input-adapter' runs is not known" in text


def test_missing_topics_and_models(make_routed: Callable[..., Installation]) -> None:
    """What is missing is named, and the route that needs it is not tried."""
    with flink() as port:
        routed = make_routed(without="scores", names=["tree"], **{"flink.rest_port": port})
        text = routed.run("doctor", "--route", "iris", expect=1).stdout

    assert "FAIL  models" in text
    assert "names model 'forest': it is not registered (there is tree:1)" in text
    assert f"missing: scores-{routed.ending}; 'penstock up' makes them" in text
    assert f"not tried: topic 'scores-{routed.ending}' is missing" in text


def test_an_unknown_route_is_wrong_usage(make_routed: Callable[..., Installation]) -> None:
    """A route that is not in the document is refused, with near names."""
    result = make_routed().run("doctor", "--route", "irs", expect=2)

    assert "no route 'irs'; did you mean 'iris'?" in result.stderr


def test_without_kafka_it_is_one_line(make_routed: Callable[..., Installation], away: list[str]) -> None:
    """A broker that is not there ends it with status 3, after what was looked at before."""
    result = make_routed().run("doctor", *away, expect=3)

    assert result.stderr.startswith("Error: no Kafka broker answers at '127.0.0.1:1'")
    assert result.stderr.count("\n") == 1
