"""A PMML model as the job serves it, with the engine's part played by this test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.pmml_job.engine import OutputField, PmmlModel
from jobs.pmml_job.served import serve
from penstock.errors import ModelLoadError
from penstock.testing.models import described

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jobs.pmml_job.mining_schema import InputField
    from jobs.pmml_job.requests import Row


class Engine:
    """Loads one model, which gives its input back; a value of 666 fails."""

    def __init__(self, field: InputField) -> None:
        self.field = field
        self.calls: list[list[Row]] = []

    def __call__(self, path: Path, ref: str) -> PmmlModel:
        """Load it."""
        return PmmlModel(
            inputs=(self.field,), outputs=(OutputField("y", "double", "predictedValue"),), score=self.score
        )

    def score(self, rows: Sequence[Row]) -> list[tuple[float]]:
        """Score rows."""
        self.calls.append(list(rows))
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
