"""Every function that a pipeline ships, pickled as PyFlink does it, in a fresh interpreter that has only the wheel."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest

from penstock import settings
from penstock.event import JSON, MODEL, RESULT, unpack_headers, unpack_more
from penstock.flink.pipeline import Flow
from penstock.testing import builders
from tests import brokers
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.settings import Settings
    from tests.shipping.conftest import Interpreter

ROOT = Path(__file__).parents[2]
EVENT = b'{"type":"iris","sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}'
NOW_MS = 1_767_323_045_678
#: A pickle that refers to our classes by name is short; one that carries them would be a second copy of the code.
MOST_BYTES_PER_FUNCTION = 30_000

#: What a worker does: unpickle, open, evaluate batches of columns.
WORKER = """
import json, pickle
function = pickle.load(sys.stdin.buffer)
columns = json.load(open("columns.json"))
import pandas as pd
def series(column):
    if column["type"] == "timestamp":
        return pd.Series(pd.to_datetime(column["values"], unit="ms"))
    if column["type"] == "bytes":
        values = [None if value is None else value.encode("latin-1") for value in column["values"]]
        return pd.Series(values, dtype=object)
    return pd.Series(column["values"], dtype=object if column["type"] == "text" else None)
from penstock.testing.metrics import FunctionContext
function.open(FunctionContext())
frame = function.eval(*[series(column) for column in columns])
function.close()
ours = {name: module.__file__ for name, module in sys.modules.items()
        if name.partition(".")[0] in ("penstock", "input_adapter", "output_adapter", "jobs")}
rows = [
    [None if cell is None else cell.decode("latin-1") if isinstance(cell, bytes) else cell for cell in row]
    for row in frame.itertuples(index=False)
]
open(answer, "w").write(json.dumps({"rows": rows, "columns": list(frame.columns), "modules": ours}))
"""


class Recorder:
    """Stands where PyFlink's table environment stands, without its Java: keeps the functions, executes nothing."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}

    def create_temporary_function(self, name: str, function: Any) -> None:
        """Keep a function as the pipeline registers it."""
        self.functions[name] = function

    def execute_sql(self, statement: str) -> None:
        """Look away."""

    def create_statement_set(self) -> Recorder:
        """Take statements, too."""
        return self

    def add_insert_sql(self, statement: str) -> None:
        """Look away."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The checkout's settings; its routing document and its models on a broker, where functions look for them."""
    with brokers.running(tmp_path_factory.mktemp("broker")) as broker:
        overrides: dict[str, object] = {
            **broker.reached,
            "models.cache_dir": str(tmp_path_factory.mktemp("cache")),
            # However busy the machine is.
            **dict.fromkeys(("models.startup_wait_ms", "models.wait_ms"), 1000 * SOON_S),
        }
        yield brokers.with_models(brokers.with_document(settings.load(overrides=overrides)))


def shipped(deployable: str, loaded: Settings) -> dict[str, bytes]:
    """Return the pickled functions of a pipeline, by name."""
    recorder = Recorder()
    pipeline: Any = import_module(f"{deployable}.pipeline")
    flow = Flow(environment=recorder, settings=loaded, deployable=pipeline.DEPLOYABLE, sources=("events",))  # type: ignore[arg-type]
    pipeline.build(flow, loaded)
    return {name: cloudpickle.dumps(wrapper._func) for name, wrapper in recorder.functions.items()}


def call(
    interpreter: Interpreter, pickled: bytes, **columns: tuple[str, list[Any]]
) -> list[tuple[Any, Any, dict[str, str]]]:
    """Let a fresh interpreter evaluate a function; returns topic, value and added headers of all records in order."""
    plain = [
        {"type": kind, "values": [v.decode("latin-1") if isinstance(v, bytes) else v for v in values]}
        for kind, values in columns.values()
    ]
    (interpreter.folder / "columns.json").write_text(json.dumps(plain), encoding="utf-8")
    said = interpreter.run(WORKER, pickled)
    assert said["columns"][:3] == ["topic", "value", "headers"]
    assert said["columns"][3:] in ([], ["more"])
    assert said["modules"], "it imported nothing of ours"
    strangers = [file for file in said["modules"].values() if not Path(file).is_relative_to(interpreter.path[0])]
    assert strangers == []
    records = []
    for topic, value, headers, *more in said["rows"]:
        records.append((topic, None if value is None else value.encode("latin-1"), headers))
        for packed in filter(None, more):
            records.extend(unpack_more(packed.encode("latin-1")))
    return [(topic, value, unpack_headers(headers)) for topic, value, headers in records]


def test_every_pipeline_ships_small_functions(loaded: Settings) -> None:
    """By reference: state, caches and locks are made in the worker, not carried there."""
    found = {
        name: shipped(name, loaded) for name in ("input_adapter", "jobs.pmml_job", "jobs.service_job", "output_adapter")
    }

    assert {name: list(functions) for name, functions in found.items()} == {
        "input_adapter": ["route"],
        "jobs.pmml_job": ["score", "score_shadows"],
        "jobs.service_job": ["score", "score_shadows"],
        "output_adapter": ["render"],
    }
    sizes = {name: len(pickled) for functions in found.values() for name, pickled in functions.items()}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES_PER_FUNCTION} == {}


def test_route(interpreter: Interpreter, loaded: Settings) -> None:
    """Good events of each demo source go to their model's topic, poison to the dead letters."""
    rows = call(
        interpreter,
        shipped("input_adapter", loaded)["route"],
        values=("bytes", [EVENT, b"5.1,3.5,1.4,0.2", b"iris-kmeans###5.1,3.5,1.4,0.2", b"\xff", None]),
        unseen_bytes=("number", [100] * 5),
        topics=("text", ["events", "csv-events", "legacy-events", "events", "events"]),
        headers=("text", ['{"ce_id":"mine"}', None, None, None, None]),
        keys=("bytes", [b"k", None, b"", None, None]),
        partitions=("number", [0] * 5),
        offsets=("number", [2**40] * 5),
    )

    assert [topic for topic, _, _ in rows] == [
        "penstock.pmml.iris-tree",
        "penstock.pmml.iris-tree",
        "penstock.pmml.iris-kmeans",
        "penstock.dead-letters",
        "penstock.dead-letters",
    ]
    assert rows[0][1] is None, "the event's own bytes stay in the engine"
    assert "ce_id" not in rows[0][2]
    assert json.loads(rows[1][1])["data"]["petal_width"] == 0.2
    assert rows[3][2]["penstock-error-code"] == "DECODE"


def test_score(interpreter: Interpreter, loaded: Settings) -> None:
    """The models' files are found and Java runs inside the worker; answers are scikit-learn's."""
    names = ["iris-tree", "iris-forest", "iris-logistic", "iris-kmeans"]
    golden = [
        json.loads((ROOT / "models" / name / "1" / "golden.jsonl").read_bytes().splitlines()[77]) for name in names
    ]
    rows = call(
        interpreter,
        shipped("jobs.pmml_job", loaded)["score"],
        values=("bytes", [*(json.dumps(row["input"]).encode() for row in golden), b"{}"]),
        unseen_bytes=("number", [100] * 5),
        timestamps=("timestamp", [NOW_MS] * 5),
        texts=(
            "text",
            [
                *(f"penstock.pmml.{name}\x1f{name}\x1f{JSON}\x1f\x1f" for name in names),
                f"penstock.pmml.iris-tree\x1f\x1f{JSON}\x1f\x1f",
            ],
        ),
    )

    assert [topic for topic, _, _ in rows] == [*["penstock.results"] * 4, "penstock.dead-letters"]
    for (_, value, headers), row, name in zip(rows, golden, names, strict=False):
        assert json.loads(value)["outputs"] == pytest.approx(row["outputs"], rel=1e-12, abs=1e-12)
        assert headers[MODEL] == f"{name}:1"
    assert rows[4][2]["penstock-error-code"] == "INPUT"


def test_score_shadows(interpreter: Interpreter, loaded: Settings) -> None:
    """Whatever stands on a topic of copies, its result is no user's, even where the header that says so is gone."""
    row = json.loads((ROOT / "models" / "iris-tree" / "1" / "golden.jsonl").read_bytes().splitlines()[77])
    rows = call(
        interpreter,
        shipped("jobs.pmml_job", loaded)["score_shadows"],
        values=("bytes", [json.dumps(row["input"]).encode()] * 2),
        unseen_bytes=("number", [100] * 2),
        timestamps=("timestamp", [NOW_MS] * 2),
        texts=(
            "text",
            [
                f"penstock.shadow-pmml.iris-tree\x1firis-tree\x1f{JSON}\x1fdark\x1f",
                "penstock.shadow-pmml.iris-tree\x1f\x1f\x1f\x1f",
            ],
        ),
    )

    assert [topic for topic, _, _ in rows] == ["penstock.shadow-results"] * 2
    assert [headers[MODEL] for _, _, headers in rows] == ["iris-tree:1"] * 2


def test_render(interpreter: Interpreter, loaded: Settings) -> None:
    """Results take their output's form; a stranger's record is a dead letter."""
    value = builders.result(1)
    rows = call(
        interpreter,
        shipped("output_adapter", loaded)["render"],
        values=("bytes", [value, value, b"\xff"]),
        unseen_bytes=("number", [100] * 3),
        texts=(
            "text",
            [f"r\x1firis\x1f{RESULT}\x1f\x1f1", f"r\x1firis-kmeans\x1f{RESULT}\x1f\x1f1", "r\x1f\x1f\x1f\x1f"],
        ),
    )

    assert [topic for topic, _, _ in rows] == ["iris-results", "iris-kmeans-results", "penstock.dead-letters"]
    assert json.loads(rows[0][1])["prediction"] == "versicolor"
    assert rows[1][1] is None, "the result's own bytes stay in the engine"
