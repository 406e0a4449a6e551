"""A PMML model as the job serves it, with the engine's part played by this test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs.pmml_job.engine import OutputField, PmmlModel
from jobs.pmml_job.heap import HeapError
from jobs.pmml_job.served import serve
from penstock.errors import EngineLostError, ModelLoadError
from penstock.event import JSON
from penstock.testing.models import described

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jobs.pmml_job.mining_schema import InputField
    from jobs.pmml_job.requests import Row
    from jobs.pmml_job.served import ServedModel


#: What jpype calls the class of what Java throws.
OutOfMemory = type("java.lang.OutOfMemoryError", (Exception,), {})
GIANT = 999


class Engine:
    """Loads one model, which gives its input back; a value of 666 fails, and the heap has room for so many rows."""

    def __init__(self, field: InputField) -> None:
        self.field = field
        self.calls: list[list[Row]] = []
        self.room = 1000

    def __call__(self, path: Path, ref: str) -> PmmlModel:
        """Load it."""
        return PmmlModel(
            inputs=(self.field,), outputs=(OutputField("y", "double", "predictedValue"),), score=self.score
        )

    def score(self, rows: Sequence[Row]) -> list[tuple[float]]:
        """Score rows."""
        self.calls.append(list(rows))
        if len(rows) > self.room or any(GIANT in row for row in rows):
            raise OutOfMemory("java.lang.OutOfMemoryError: Java heap space")
        if 666 in rows[0]:
            raise ArithmeticError("no such number")
        return [(1.0,) for _ in rows]


@pytest.fixture
def engine(field: Callable[..., InputField]) -> Engine:
    """Java's part."""
    return Engine(field())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that nobody reads."""
    path = tmp_path / "model.pmml"
    path.write_bytes(b"model")
    return path


def test_sample_is_scored_before_the_first_request(engine: Engine, path: Path) -> None:
    """In so many rows that Java compiles its loop over them: no real batch is the slow one."""
    serve(described("a:1", sample={"x": 1}), path, engine)

    (call,) = engine.calls
    assert len(call) > 100


def test_model_without_a_sample_is_not_scored(engine: Engine, path: Path) -> None:
    """Nobody knows what it takes."""
    serve(described("a:1"), path, engine)

    assert engine.calls == []


@pytest.mark.parametrize(("sample", "said"), [({"x": 666}, "no such number"), ({"x": "a"}, "field 'x'")])
def test_sample_has_to_be_scored(engine: Engine, path: Path, sample: object, said: str) -> None:
    """Else no event would be."""
    with pytest.raises(ModelLoadError, match=f"its descriptor's sample cannot be scored: .*{said}"):
        serve(described("a:1", sample=sample), path, engine)


def test_sample_for_which_the_heap_is_full_now_is_scored_later(engine: Engine, path: Path) -> None:
    """The model is not to blame: it is loaded again, and few calls have been tried in vain meanwhile."""
    engine.room = 0

    with pytest.raises(HeapError, match=r"no room to score its sample \(.+\): raise pmml\.heap_mb") as refusal:
        serve(described("a:1", sample={"x": 1}), path, engine)

    assert refusal.value.passing
    assert len(engine.calls) == 2


def test_sample_that_has_room_alone_is_enough(engine: Engine, path: Path) -> None:
    """Batches will be halved, too; and it shows later whether the heap or a row is to blame."""
    engine.room = 1

    model = serve(described("a:1", sample={"x": 1}), path, engine)
    engine.room = 0

    with pytest.raises(EngineLostError, match="Java's heap is full"):
        asked(model, 2)


def asked(model: ServedModel, *values: int) -> list[Any]:
    """Have the model score rows."""
    return list(model.score([model.read(json.dumps({"x": value}).encode(), JSON) for value in values]))


def test_batch_for_which_the_heap_is_too_small_is_halved(engine: Engine, path: Path) -> None:
    """Fewer rows take less of it."""
    model = serve(described("a:1"), path, engine)
    engine.room = 2

    assert asked(model, 1, 2, 3, 4, 5) == [(1.0,)] * 5


@pytest.mark.parametrize("before", [[], [1]])
def test_giant_row_is_refused_alone(engine: Engine, path: Path, before: list[int]) -> None:
    """What to do is said. No restart would help: the row would come again, for ever."""
    model = serve(described("a:1"), path, engine)
    for value in before:
        asked(model, value)

    refused, scored = asked(model, GIANT, 2)

    assert str(refused) == (
        "model 'a:1' failed: Java's heap has no room to score this input (java.lang.OutOfMemoryError: Java heap space)"
        ": raise pmml.heap_mb, or lower models.most_mb"
    )
    assert scored == (1.0,)


def test_full_heap_ends_the_worker(engine: Engine, path: Path) -> None:
    """No row is guilty where one that was scored before fails; the error says what to do, and all come again."""
    model = serve(described("a:1"), path, engine)
    asked(model, 1)
    engine.room = 0

    with pytest.raises(EngineLostError, match=r"its engine is gone: Java's heap is full, .+: raise pmml\.heap_mb"):
        asked(model, 2, 3)


def test_full_heap_in_which_nothing_was_ever_scored_ends_nothing(engine: Engine, path: Path) -> None:
    """The next worker would get no further: the job would restart for ever, and other models with it."""
    model = serve(described("a:1"), path, engine)
    engine.room = 0

    assert all("raise pmml.heap_mb" in str(refused) for refused in asked(model, 2, 3))
