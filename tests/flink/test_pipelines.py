"""Each pipeline in a mini-cluster, from records to what its sink would write; the Python workers run the wheel."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from penstock import settings
from penstock.event import (
    CE_ID,
    CONFIG_VERSION,
    CONTENT_TYPE,
    DEADLINE,
    JSON,
    MODEL,
    REQUEST,
    RESULT,
    ROUTE,
    SHADOW,
    ce_time,
)
from penstock.flink.tables import Source
from penstock.testing import builders
from penstock.testing.model_servers import RefusalError
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing
from tests import brokers
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.flink.conftest import FileFlow, Row

NOW_MS = 1_767_323_045_678
FEATURES = b'{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}'
EVENT = b'{"type":"iris","id":12345678901234567890,' + FEATURES[1:]
MODELS = Path(__file__).parents[2] / "models"
COLUMNS = {name: f"`{name}`" for name in ("key", "value", "topic", "headers")}
#: What a source sends first, to open what is behind it; the tests' own counts say that nothing becomes of it.
WAKE_UP: dict[str, Any] = {
    "key": None,
    "value": None,
    "topic": "",
    "partition": -1,
    "offset": -1,
    "timestamp_ms": 0,
}
TIME = {"time": "DATE_FORMAT(CAST(`timestamp` AS TIMESTAMP(3)), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')"}


@pytest.fixture
def run(
    make_flow: Callable[..., FileFlow], make_record: Callable[..., Row], reached: dict[str, object], tmp_path: Path
) -> Callable[..., list[Row]]:
    """Run a deployable's pipeline over records, each given by the columns that matter."""

    def outcome(
        deployable: str, view: str, *records: Row, document: str | None = None, **overrides: object
    ) -> list[Row]:
        overrides |= reached
        overrides["models.cache_dir"] = str(tmp_path)
        # However busy the machine is.
        overrides |= dict.fromkeys(("models.startup_wait_ms", "models.wait_ms"), 1000 * SOON_S)
        brokers.with_models(brokers.with_document(settings.load(overrides=overrides), document))
        numbered = [make_record(**{"offset": offset, **columns}) for offset, columns in enumerate(records)]
        flow = make_flow(*numbered, overrides=overrides)
        pipeline: Any = import_module(f"{deployable}.pipeline")
        pipeline.build(flow, flow.settings)
        return flow.select(view, **COLUMNS, **TIME)

    return outcome


def code(row: Row) -> str:
    """Tell why a record is a dead letter."""
    assert row["topic"] == "penstock.dead-letters"
    return str(row["headers"]["penstock-error-code"].decode())


def test_input_adapter(run: Callable[..., list[Row]]) -> None:
    """Good events of every format go to their model, bad ones to the dead letters; key, time and headers stay."""
    own = {"traceparent": b"00-1", "binary": b"\xff", "null": None, "penstock-shadow": b"true"}
    as_sent, rewritten, tagged, mine, tombstone, poison, oversize = run(
        "input_adapter",
        "events_route",
        {"value": EVENT, "headers": own},
        {"value": b"5.1,3.5,1.4,0.2", "topic": "csv-events", "key": None},
        {"value": b"iris-forest###5.1,3.5,1.4,0.2", "topic": "legacy-events", "key": b"\xff"},
        {"value": EVENT, "headers": {CE_ID: b"mine"}},
        {"value": None, "headers": own},
        {"value": b"\xff\xfe"},
        {"value": EVENT[:-1] + b',"more":"' + b"x" * 1_000_000 + b'"}'},
        WAKE_UP,
    )

    assert as_sent["topic"] == "penstock.pmml.iris-tree"
    assert (as_sent["key"], as_sent["value"], as_sent["time"]) == (b"k", EVENT, ce_time(NOW_MS))
    assert as_sent["headers"] == {
        **own,
        "penstock-shadow": b"",
        "ce_specversion": b"1.0",
        "ce_id": b"events/3/0",
        "ce_source": b"events",
        "ce_type": b"iris",
        "ce_time": ce_time(NOW_MS).encode(),
        "content-type": JSON.encode(),
        "penstock-route": b"iris",
        "penstock-variant": b"champion",
        "penstock-model": b"iris-tree",
        "penstock-config-version": b"1",
    }
    # Without a key its share is by its coordinates: the other one's.
    assert (rewritten["topic"], rewritten["key"]) == ("penstock.pmml.iris-forest", None)
    assert rewritten["value"] == b'{"input":"5.1,3.5,1.4,0.2","data":' + FEATURES + b"}"
    assert rewritten["headers"][CE_ID] == b"csv-events/3/1"
    assert (tagged["topic"], tagged["key"]) == ("penstock.pmml.iris-forest", b"\xff")
    assert tagged["headers"]["ce_type"] == b"iris-forest"
    assert mine["headers"][CE_ID] == b"mine"
    assert mine["headers"]["penstock-source"] == b"events/3/3"
    assert [code(row) for row in (tombstone, poison, oversize)] == ["DECODE", "DECODE", "OVERSIZE"]
    assert tombstone["value"] is None
    assert own.items() <= {**tombstone["headers"], "penstock-shadow": b"true"}.items()
    assert poison["value"] == b"\xff\xfe"
    assert poison["headers"]["penstock-error-record"] == b"events/3/5"


def test_input_adapter_drops_what_it_is_told_to(run: Callable[..., list[Row]]) -> None:
    """A record that goes nowhere is written nowhere."""
    rows = run(
        "input_adapter",
        "events_route",
        {"value": b'{"type":"other"}'},
        {"value": EVENT},
        document=builders.document(unmatched="drop").model_dump_json(exclude_none=True),
        **{"topics.prefix": "dropping"},
    )

    assert [row["headers"][CE_ID] for row in rows] == [b"events/3/1"]


def test_input_adapter_makes_several_records_of_one_event(run: Callable[..., list[Row]]) -> None:
    """Each with key, time and headers of its event, and its value unless it has one; one event after the other."""
    models = {name: {"job": "pmml"} for name in ("iris-tree", "forest")}
    routes = [
        builders.route(**{"continue": True}, shadow=[{"model": "forest:1", "name": "dark"}]),
        builders.route("again", match={"type": "iris"}, model="forest", transform=[{"select": ["n"]}]),
        builders.route("other"),
    ]
    own = {"traceparent": b"00-1", "null": None, "penstock-shadow": b"true"}
    several, one = b'{"type":"iris","n":1}', b'{"type":"other","n":2}'
    rows = run(
        "input_adapter",
        "events_route",
        {"value": several, "headers": own},
        {"value": one},
        {"value": several, "key": None},
        document=builders.document(routes=routes, models=models).model_dump_json(exclude_none=True),
        **{"topics.prefix": "fanning"},
    )

    requests = ["fanning.pmml.iris-tree", "fanning.shadow-pmml.forest", "fanning.pmml.forest"]
    assert [row["topic"] for row in rows] == [*requests, "fanning.pmml.iris-tree", *requests]
    assert [row["key"] for row in rows] == [b"k"] * 4 + [None] * 3
    assert {row["time"] for row in rows} == {ce_time(NOW_MS)}
    assert [row["headers"][CE_ID] for row in rows] == [f"events/3/{n}".encode() for n in (0, 0, 0, 1, 2, 2, 2)]
    first, copy, again = rows[:3]
    assert [row["value"] for row in rows[:2]] == [several] * 2
    assert json.loads(again["value"]) == {"input": json.loads(several), "data": {"n": 1}}
    assert copy["headers"] == {**first["headers"], MODEL: b"forest:1", SHADOW: b"dark"}
    assert again["headers"][ROUTE] == b"again"
    for row in rows[:3]:
        assert {**own, SHADOW: row["headers"][SHADOW]}.items() <= row["headers"].items()
    assert [row["headers"][SHADOW] for row in rows[:3]] == [b"", b"dark", b""]


def test_time_that_kafka_would_refuse_is_left_to_kafka(run: Callable[..., list[Row]]) -> None:
    """A negative time, or one to come: written on as it is, it would fail the job again and again."""
    far = 253_402_300_799_999
    rows = run("input_adapter", "events_route", *({"value": EVENT, "timestamp_ms": ms} for ms in (-5, -1, 0, far)))

    assert [row["time"] for row in rows] == [None, None, "1970-01-01T00:00:00.000Z", None]
    assert [row["headers"]["ce_time"] for row in rows] == [ce_time(ms).encode() for ms in (-5, -1, 0, far)]


def test_pmml_job(run: Callable[..., list[Row]]) -> None:
    """One batch with several models: each result has its model's answer, its own input and the version that made it."""
    names = ("iris-tree", "iris-forest", "iris-logistic", "iris-kmeans")
    golden = {
        name: json.loads((MODELS / name / "1" / "golden.jsonl").read_bytes().partition(b"\n")[0]) for name in names
    }
    envelope = {CONTENT_TYPE: JSON.encode(), ROUTE: b"r", CE_ID: b"id"}
    requests = [
        {
            "value": json.dumps(row["input"]).encode(),
            "topic": f"penstock.pmml.{name}",
            "headers": {**envelope, MODEL: name.encode()},
        }
        for name, row in golden.items()
    ]
    *scored, wrapped, shadow, missing, stranger, late = run(
        "jobs.pmml_job",
        "requests_score",
        *requests,
        {
            **requests[0],
            "value": b'{"input":[1.0, 1],"data":%b}' % requests[0]["value"],
            "headers": {CONTENT_TYPE: REQUEST.encode()},
        },
        {**requests[0], "headers": {**envelope, SHADOW: b"true"}},
        {**requests[0], "value": b'{"sepal_length":5.1}'},
        {**requests[0], "headers": {MODEL: b"no-such-model"}},
        {**requests[0], "headers": {**envelope, DEADLINE: b"1"}},
        WAKE_UP,
    )

    for row, (name, expected) in zip(scored, golden.items(), strict=True):
        assert row["topic"] == "penstock.results"
        assert (row["key"], row["time"]) == (b"k", ce_time(NOW_MS))
        assert row["headers"] == {**envelope, CONTENT_TYPE: RESULT.encode(), MODEL: f"{name}:1".encode()}
        result = json.loads(row["value"])
        assert result["input"] == expected["input"]
        assert result["outputs"] == pytest.approx(expected["outputs"], rel=1e-9, abs=1e-12)
        assert result["latency_ms"] > 0
    assert wrapped["value"].startswith(b'{"input":[1.0, 1],"prediction":0,')
    assert wrapped["headers"][MODEL] == b"iris-tree:1"
    assert shadow["topic"] == "penstock.shadow-results"
    assert [code(row) for row in (missing, stranger, late)] == ["INPUT", "UNKNOWN_MODEL", "DEADLINE"]
    assert missing["value"] == b'{"sepal_length":5.1}'
    assert missing["headers"]["penstock-error-record"] == b"penstock.pmml.iris-tree/3/6"


def test_pmml_job_scores_shadows_apart(run: Callable[..., list[Row]]) -> None:
    """Their results are nobody's but whoever compares; what cannot be scored is a dead letter like any other."""
    topic = "penstock.shadow-pmml.iris-tree"
    headers = {CONTENT_TYPE: JSON.encode(), ROUTE: b"r", CE_ID: b"id", SHADOW: b"dark", MODEL: b"iris-tree"}
    scored, poison, missing = run(
        "jobs.pmml_job",
        "copies_score_shadows",
        {"value": FEATURES, "topic": topic, "headers": headers},
        {"value": b"{}", "topic": topic, "headers": headers},
        {"value": FEATURES, "topic": topic, "headers": {**headers, MODEL: b"gone"}},
        WAKE_UP,
    )

    assert (scored["topic"], scored["key"], scored["time"]) == ("penstock.shadow-results", b"k", ce_time(NOW_MS))
    assert scored["headers"] == {**headers, CONTENT_TYPE: RESULT.encode(), MODEL: b"iris-tree:1"}
    assert json.loads(scored["value"])["prediction"] == 0
    assert [code(row) for row in (poison, missing)] == ["INPUT", "UNKNOWN_MODEL"]


def test_service_job(run: Callable[..., list[Row]]) -> None:
    """Bytes go to the model's server in one call; each result has its own answer, each bad row its own dead letter."""
    samples = [b"x" * size for size in range(1, 40)]
    poison = 17
    samples[poison] = b"poison"

    def score(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        images = inputs["image_bytes"]
        if b"poison" in images:
            raise RefusalError("INVALID_ARGUMENT", "Graph execution error: poison")
        scores = np.zeros((len(images), 10), dtype=np.float32)
        return {"label": np.array([len(each) for each in images]), "scores": scores}

    model = FakeModel(
        score=score,
        signature="png",
        inputs={"image_bytes": ("string", (-1,))},
        outputs={"label": ("int64", (-1,)), "scores": ("float", (-1, 10))},
    )
    envelope = {CONTENT_TYPE: b"image/png", ROUTE: b"r", CE_ID: b"id", MODEL: b"image-classifier"}
    topic = "penstock.service.image-classifier"
    # The descriptor's own sample, which every worker scores first, is an image of 127 bytes.
    with FakeTensorFlowServing({"image-classifier": model}) as server:
        *scored, by_name, missing, stranger = run(
            "jobs.service_job",
            "requests_score",
            *({"value": each, "topic": topic, "headers": envelope} for each in samples),
            {"value": b'{"image_bytes": {"b64": "AAAA"}}', "topic": topic, "headers": {ROUTE: b"r"}},
            {"value": b"{}", "topic": topic, "headers": {ROUTE: b"r"}},
            {"value": b"x", "topic": topic, "headers": {**envelope, MODEL: b"no-such-model"}},
            WAKE_UP,
            **{"service.servers": {"default": {"endpoints": [server.address]}}, "service.deadline_ms": 60_000},
        )

    assert code(scored[poison]) == "SCORING"
    assert scored[poison]["value"] == b"poison"
    for at, row in enumerate(scored):
        if at == poison:
            continue
        assert (row["topic"], row["key"], row["time"]) == ("penstock.results", b"k", ce_time(NOW_MS))
        assert row["headers"] == {**envelope, CONTENT_TYPE: RESULT.encode(), MODEL: b"image-classifier:1"}
        result = json.loads(row["value"])
        assert "input" not in result
        assert (result["prediction"], result["outputs"]["label"]) == (at + 1, at + 1)
        assert result["outputs"]["scores"] == [0] * 10
    assert json.loads(by_name["value"])["prediction"] == 3
    assert json.loads(by_name["value"])["input"] == {"image_bytes": {"b64": "AAAA"}}
    assert [code(row) for row in (missing, stranger)] == ["INPUT", "UNKNOWN_MODEL"]


def test_each_function_of_a_job_has_a_process_of_its_own(
    make_flow: Callable[..., FileFlow], make_record: Callable[..., Row]
) -> None:
    """Also in one slot: what a shadow does to its process, it does to nobody else."""
    flow = make_flow(make_record(), overrides={"flink.parallelism": 1})
    given = flow.read(Source(name="given", cluster=flow.settings.kafka.external, group=""))
    for name in ("pid_of_one", "pid_of_other"):
        function = udf(lambda column: column * 0 + os.getpid(), result_type=DataTypes.BIGINT(), func_type="pandas")
        flow.environment.create_temporary_function(name, function)
    flow.environment.execute_sql(
        f"CREATE TEMPORARY VIEW pids AS SELECT pid_of_one(`offset`) AS pid FROM {given}"  # noqa: S608 our own name
        f" UNION ALL SELECT pid_of_other(`offset`) FROM {given}"
    )
    found = [row["pid"] for row in flow.select("pids", pid="pid")]

    assert len(found) == len(set(found)) == 2


def test_output_adapter(run: Callable[..., list[Row]]) -> None:
    """Results go to their route's topic in its format; shadows and strangers never do."""
    envelope = {CONTENT_TYPE: RESULT.encode(), CE_ID: b"id", ROUTE: b"iris", CONFIG_VERSION: b"1"}
    value = builders.result(2)
    mapped, untouched, shadow, unknown, later, stranger = run(
        "output_adapter",
        "results_render",
        {"value": value, "headers": envelope, "topic": "penstock.results"},
        {"value": value, "headers": {**envelope, ROUTE: b"iris-kmeans"}, "topic": "penstock.results"},
        {"value": value, "headers": {**envelope, SHADOW: b"true"}, "topic": "penstock.results"},
        {"value": value, "headers": {**envelope, ROUTE: b"gone"}, "topic": "penstock.results"},
        {"value": value, "headers": {**envelope, CONFIG_VERSION: b"9"}, "topic": "penstock.results"},
        {"value": b"\xff", "topic": "penstock.results"},
        WAKE_UP,
        **{"control.version_wait_ms": 100},
    )

    assert (mapped["topic"], mapped["key"], mapped["time"]) == ("iris-results", b"k", ce_time(NOW_MS))
    assert json.loads(mapped["value"]) == {**json.loads(value), "prediction": "virginica"}
    assert mapped["headers"] == {**envelope, CONTENT_TYPE: JSON.encode()}
    assert (untouched["topic"], untouched["value"]) == ("iris-kmeans-results", value)
    bad = (shadow, unknown, later, stranger)
    assert [code(row) for row in bad] == ["SHADOW", "UNKNOWN_ROUTE", "UNKNOWN_VERSION", "ENVELOPE"]
    assert [row["value"] for row in bad] == [value, value, value, b"\xff"]
