"""Pins: every package that pyproject.toml leads to stands in requirements/ with the version that the tests run with."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
FILES = ("core", "pmml", "stores", "models", "dev")  # the measuring group is installed only to measure


@pytest.fixture(scope="module")
def pins() -> ModuleType:
    """The program that writes the files."""
    spec = importlib.util.spec_from_file_location("pins", ROOT / "scripts" / "pins.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pinned(name: str) -> dict[str, str]:
    """Return what a file pins, with what it adds to."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = pinned("core") if "-r core.txt" in lines else {}
    return found | dict(line.split("==") for line in lines if "==" in line)


@pytest.mark.parametrize("name", FILES)
def test_pins_are_complete_and_current(pins: ModuleType, name: str) -> None:
    """Direct or not, each package has its exact version; 'make pins' writes them."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    needed = pins.closure(pins.wanted(pyproject)[name])

    assert {package: pinned(name).get(package) for package in needed} == needed


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_files_name_no_place_to_download_from(path: Path) -> None:
    """Names and versions only: where packages come from is each machine's business."""
    for line in path.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|-r core\.txt|[a-z0-9-]+==[^ ;@]+", line), line
