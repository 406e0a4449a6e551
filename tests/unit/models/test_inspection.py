"""Inspection: wrong models and missing ones are told before any job gets them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ModelChecksumError, ModelError, ModelLoadError
from penstock.models.inspection import inspect
from penstock.models.repository import read_catalog
from penstock.routing.document import ModelEntry
from penstock.testing.builders import document, route

Write = Callable[..., Path]

PMML = b"""<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
  <DataDictionary><DataField name="x" optype="continuous" dataType="double"/></DataDictionary>
  <RegressionModel functionName="regression"><MiningSchema><MiningField name="x"/></MiningSchema>
  <RegressionTable intercept="0"/></RegressionModel>
</PMML>"""
WANTED = document(routes=[route(model="iris")], models={"iris": {"job": "pmml"}})


@pytest.fixture
def described(write: Write, tmp_path: Path) -> Callable[..., Path]:
    """Write a model's file and a descriptor with its digest; returns the folder of models."""

    def make(content: bytes = PMML, **changes: Any) -> Path:
        write(content, **{"sha256": hashlib.sha256(content).hexdigest(), **changes})
        return tmp_path

    return make


def test_good_models_pass(described: Callable[..., Path]) -> None:
    """Whatever is in the file beyond its outline is the engine's business."""
    inspect(read_catalog(described(inputs=[{"name": "x", "type": "double"}])), WANTED)


def test_samples_pass() -> None:
    """All models that ship."""
    models = Path(__file__).parents[3] / "models"

    inspect(read_catalog(models), document())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (PMML[:-20], "'iris:1' cannot be loaded: .*the file is no XML"),
        (b"a pickle", "'iris:1' cannot be loaded: .*the file is no XML"),
        (b"<html/>", "expected the root element PMML, got html"),
    ],
)
def test_file_that_is_no_pmml_is_told(described: Callable[..., Path], content: bytes, fault: str) -> None:
    """With the right digest, and for a version that no route names by number, too."""
    with pytest.raises(ModelLoadError, match=fault):
        inspect(read_catalog(described(content)), WANTED)


def test_descriptor_of_another_file_is_told(described: Callable[..., Path]) -> None:
    """Its inputs are not those of the file."""
    with pytest.raises(
        ModelLoadError, match=r"its descriptor has inputs \{'y': 'double'\}, its file \{'x': 'double'\}"
    ):
        inspect(read_catalog(described(inputs=[{"name": "y", "type": "double"}])), WANTED)


def test_changed_file_is_told(described: Callable[..., Path]) -> None:
    """The digest is looked at before anything else."""
    with pytest.raises(ModelChecksumError, match="expected sha256 0000"):
        inspect(read_catalog(described(sha256="0" * 64)), WANTED)


def test_model_of_a_later_job_is_fetched_only(described: Callable[..., Path]) -> None:
    """Nobody here can read it, but its digest can be compared."""
    later = WANTED.model_copy(update={"models": {"iris": ModelEntry(job="spark")}})

    inspect(read_catalog(described(b"saved elsewhere", job="spark")), later)


def test_route_without_its_model_is_told(described: Callable[..., Path]) -> None:
    """With those that there are."""
    wanted = document(routes=[route(model="iris:2")], models={"iris": {"job": "pmml"}})
    fault = r"route 'iris' names model 'iris:2': models_dir has no descriptor of it \(it has iris:1\)"

    with pytest.raises(ModelError, match=fault):
        inspect(read_catalog(described()), wanted)


def test_model_of_another_job_is_told(described: Callable[..., Path]) -> None:
    """Its requests would go to a job that does not have it."""
    with pytest.raises(ModelError, match="gives it to job 'pmml', its descriptor to 'spark'; change one of them"):
        inspect(read_catalog(described(job="spark")), WANTED)


def test_shadow_without_its_model_stops_nobody(described: Callable[..., Path]) -> None:
    """No user waits for it; it is told all the same."""
    one = route(model="iris", shadow=[{"model": "gone:3", "name": "dark"}])
    wanted = document(routes=[one], models={"iris": {"job": "pmml"}, "gone": {"job": "pmml"}})
    fault = "models_dir has no descriptor of it (it has iris:1); add one, or change the route"

    assert inspect(read_catalog(described()), wanted) == (
        f"the shadow 'dark' of route 'iris' names model 'gone:3': {fault}",
    )
