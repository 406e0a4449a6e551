"""Factories for model descriptors."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.models.workbench import Workbench

PlainDescriptor = dict[str, Any]


@pytest.fixture
def plain() -> Callable[..., PlainDescriptor]:
    """Make the plain data of a good descriptor; keywords replace keys, None removes one."""

    def make(**changes: object) -> PlainDescriptor:
        tree: PlainDescriptor = {
            "name": "iris",
            "version": 1,
            "job": "pmml",
            "format": "pmml",
            "uri": "model.pmml",
            "sha256": hashlib.sha256(b"model").hexdigest(),
        }
        tree.update(changes)
        return {key: value for key, value in tree.items() if value is not None}

    return make


@pytest.fixture
def write(tmp_path: Path, plain: Callable[..., PlainDescriptor]) -> Callable[..., Path]:
    """Write a descriptor, with its model file beside it, into a folder of its own; returns the descriptor's path."""

    def make(content: bytes = b"model", **changes: object) -> Path:
        tree = plain(**changes)
        folder = tmp_path / str(tree["name"]) / str(tree["version"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.pmml").write_bytes(content)
        path = folder / "descriptor.yaml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return path

    return make


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Workbench]]:
    """A factory of workbenches for hosts; keywords are settings."""
    made: list[Workbench] = []

    def make(**settings: object) -> Workbench:
        made.append(Workbench(tmp_path, **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()
