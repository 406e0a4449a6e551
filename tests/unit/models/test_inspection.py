"""Inspection: routes without their model are told, and each job looks into its own models' files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.deployables import SCORING, Deployable
from penstock.models.descriptor import ModelDescriptor
from penstock.models.inspection import Checks, absences, look_into
from penstock.models.registry import Registry
from penstock.settings import Settings
from penstock.testing.builders import document, route

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODELS = {"iris": {"job": "pmml"}, "gone": {"job": "pmml"}}


@pytest.fixture
def registry(plain: Callable[..., dict[str, Any]]) -> Callable[..., Registry]:
    """Make a registry of one model; keywords replace keys of its descriptor."""
    return lambda **changes: Registry([ModelDescriptor.parse(plain(**changes), "here")])


def test_every_model_is_there(registry: Callable[..., Registry]) -> None:
    """By name and by version."""
    for model in ("iris", "iris:1"):
        assert list(absences(registry(), document(routes=[route(model=model)], models=MODELS))) == []


def test_route_without_its_model_is_told(registry: Callable[..., Registry]) -> None:
    """With those that there are, and what to do."""
    (found,) = absences(registry(), document(routes=[route(model="iris:2")], models=MODELS))

    fault = "it is not registered (there is iris:1); 'penstock models add' adds it"
    assert found == (f"route 'iris' names model 'iris:2': {fault}", False)


def test_model_of_another_job_is_told(registry: Callable[..., Registry]) -> None:
    """Its requests would go to a job that does not have it."""
    (found,) = absences(registry(job="spark"), document(routes=[route(model="iris")], models=MODELS))

    assert "gives it to job 'pmml', its descriptor to 'spark'; change one of them" in found.text


def test_shadow_without_its_model_is_another_matter(registry: Callable[..., Registry]) -> None:
    """No user waits for it; it is told all the same."""
    one = route(model="iris", shadow=[{"model": "gone:3", "name": "dark"}])
    (found,) = absences(registry(), document(routes=[one], models=MODELS))

    assert found.shadow
    assert found.text.startswith("the shadow 'dark' of route 'iris' names model 'gone:3': it is not registered")


@pytest.mark.parametrize(("job", "heap_mb"), [("pmml", 200), ("spark", 600)])
def test_each_engine_is_tried_with_its_own_heap(job: str, heap_mb: int) -> None:
    """As its workers have it: Spark does not even start with that of the PMML engine."""
    settings = Settings.model_validate({"pmml": {"heap_mb": 200}, "spark": {"driver_memory_mb": 600}})

    assert Checks.of(settings, job, lax=False).heap_mb == heap_mb


def test_job_looks_into_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one that the model is for; of a job that is not there yet nobody can tell."""
    monkeypatch.setitem(SCORING, "fake", Deployable(name="fake", module="penstock.testing"))
    file = tmp_path / "model"
    file.write_text('{"fields": {"algorithm": "Oracle"}}', encoding="utf-8")

    found = look_into("fake", file, Checks(heap_mb=64, jars=tmp_path), {"sample": {"x": 1}, "prediction": "y"})

    assert found is not None
    assert found.fields == {
        "algorithm": "Oracle",
        "producer": "a heap of 64 MiB",
        "sample": {"x": 1},
        "prediction": "y",
        "description": str(tmp_path),
    }
    assert look_into("later", file, Checks(), {}) is None
