"""What the tests of the PMML job share: the engine, models made on the spot, and batches of requests."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.pmml_job import engine
from jobs.pmml_job.engine import Engine, PmmlModel
from jobs.pmml_job.loader import PmmlLoader
from penstock.deadletter import Stage
from penstock.errors import ModelError, ModelFailedError, ModelLoadError, RecordError
from penstock.event import JSON, Deliveries, unpack_headers
from penstock.models.descriptor import ModelDescriptor
from penstock.scoring import Requests, Scorer, ScorerConfig, Servable
from penstock.testing.serving import FakeModels

Plain = dict[str, Any]

NOW = 1_767_323_045.678  # 2026-01-02T03:04:05.678Z
DATA = Path(__file__).parents[1] / "data" / "pmml"

IDENTITY = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
  <Header/>
  <DataDictionary>
    <DataField name="x" optype="{optype}" dataType="{data_type}">{values}</DataField>
    <DataField name="y" optype="continuous" dataType="double"/>
  </DataDictionary>
  <RegressionModel functionName="regression">
    <MiningSchema><MiningField name="x" {treatment}/><MiningField name="y" usageType="target"/></MiningSchema>
    <Output><OutputField name="y" feature="predictedValue" dataType="double" optype="continuous"/></Output>
    <RegressionTable intercept="0"><NumericPredictor name="x" coefficient="1"/></RegressionTable>
  </RegressionModel>
</PMML>"""


@pytest.fixture(scope="session")
def pmml_engine() -> Engine:
    """The real engine; its Java machine lives as long as the test process."""
    return engine.start(256)


@pytest.fixture
def load(pmml_engine: Engine, tmp_path: Path) -> Callable[[bytes, str], PmmlModel]:
    """Load a model from the bytes of its file."""

    def make(data: bytes, ref: str) -> PmmlModel:
        path = tmp_path / f"{ref}.pmml"
        path.write_bytes(data)
        return pmml_engine(path, ref)

    return make


@pytest.fixture
def identity() -> Callable[..., bytes]:
    """Make a model that answers with the very value that it was given for its only field ``x``."""

    def make(treatment: str = "", values: str = "", data_type: str = "double", optype: str = "continuous") -> bytes:
        return IDENTITY.format(treatment=treatment, values=values, data_type=data_type, optype=optype).encode()

    return make


@pytest.fixture
def describe(tmp_path: Path) -> Callable[..., Plain]:
    """Write a model's file and describe it; keywords change the descriptor."""

    def make(data: bytes, name: str = "model", version: int = 1, **changes: object) -> Plain:
        path = tmp_path / f"{name}-{version}.pmml"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        tree = {"name": name, "version": version, "job": "pmml", "format": "pmml", "uri": str(path), "sha256": digest}
        return tree | changes

    return make


@pytest.fixture
def scorer(pmml_engine: Engine) -> Callable[..., Scorer]:
    """Make a scorer of descriptors, with a clock that stands at `NOW`.

    A bare name means the highest version. What cannot be loaded has failed, as in a worker.
    """

    def make(*descriptors: Plain, **changes: Any) -> Scorer:
        facts: dict[str, Any] = {
            "stage": Stage.PMML_JOB,
            "request_topic_prefix": "penstock.pmml.",
            "results": "penstock.results",
            "shadow_results": "penstock.shadow-results",
            "dead_letters": "penstock.dead-letters",
            "max_request_bytes": 2**20,
            "max_dead_letter_bytes": 2**22,
        }
        known: dict[str, Servable | RecordError] = {}
        for tree in sorted(descriptors, key=lambda tree: tree["version"]):
            descriptor = ModelDescriptor.parse(tree, "here")
            loaded = _load(descriptor, pmml_engine)
            known |= {str(descriptor.ref): loaded, descriptor.name: loaded}
        return Scorer(ScorerConfig(**facts | changes), FakeModels(known), clock=lambda: NOW)

    return make


def _load(descriptor: ModelDescriptor, pmml_engine: Engine) -> Servable | RecordError:
    try:
        return PmmlLoader(pmml_engine).load(descriptor, Path(descriptor.uri))
    except ModelError as error:
        return ModelFailedError(str(descriptor.ref), error.detail if isinstance(error, ModelLoadError) else str(error))


@pytest.fixture
def batch() -> Callable[..., Requests]:
    """Make a batch of values, from Python data or from bytes; keywords replace whole columns."""

    def make(*values: object, model: str | None = "model", **columns: Any) -> Requests:
        size = len(values)
        topic = f"penstock.pmml.{(model or 'model').partition(':')[0]}"
        defaults = {
            "topics": topic,
            "models": model,
            "content_types": JSON,
            "shadows": None,
            "deadlines": None,
        }  # as in texts
        facts: dict[str, Any] = {
            "values": [
                value if value is None or isinstance(value, bytes) else json.dumps(value).encode() for value in values
            ],
            "unseen_bytes": [100] * size,
            "timestamps_ms": [int(NOW * 1000) - 25] * size,
        }
        given = {name: columns.pop(name, [default] * size) for name, default in defaults.items()}
        return Requests(**facts | columns, texts=list(zip(*given.values(), strict=True)))

    return make


@pytest.fixture
def outcomes() -> Callable[[Deliveries], list[Any]]:
    """Tell every delivery in short: a result's JSON, or a dead letter's code and reason."""
    return _outcomes


def _outcomes(deliveries: Deliveries) -> list[Any]:
    """Tell deliveries in short."""
    return [
        json.loads(value) if topic == "penstock.results" and value is not None else _cause(unpack_headers(headers))
        for topic, value, headers in zip(deliveries.topics, deliveries.values, deliveries.headers, strict=True)
    ]


def _cause(headers: Mapping[str, str]) -> tuple[str, str]:
    """Tell a dead letter in short."""
    return headers["penstock-error-code"], headers["penstock-error-reason"]
