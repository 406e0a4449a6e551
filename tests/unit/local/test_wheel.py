"""The wheel: built when the sources changed, and only then."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from penstock.errors import StackError
from penstock.local import wheel

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "penstock"
version = "0.1.0"

[tool.hatch.build.targets.wheel]
packages = ["penstock", "input_adapter", "output_adapter", "jobs"]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is as small as can be."""
    root = tmp_path / "checkout"
    for package in ("penstock", "input_adapter", "output_adapter", "jobs"):
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text(f'"""{package}."""\n', encoding="utf-8")
    (root / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    return root


def test_wheel_has_every_package(checkout: Path, tmp_path: Path) -> None:
    """One wheel holds all of it."""
    built = wheel.build(checkout, tmp_path / "out")

    names = {Path(name).parts[0] for name in zipfile.ZipFile(built).namelist()}
    assert {"penstock", "input_adapter", "output_adapter", "jobs"} <= names


def test_unchanged_sources_are_not_built_again(checkout: Path, tmp_path: Path) -> None:
    """The second call finds the first one's wheel; byte code that appeared meanwhile is no change."""
    first = wheel.build(checkout, tmp_path / "out")
    before = first.stat().st_mtime_ns
    (checkout / "jobs" / "__pycache__").mkdir()
    (checkout / "jobs" / "__pycache__" / "x.pyc").touch()

    assert wheel.build(checkout, tmp_path / "out") == first
    assert first.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["penstock/__init__.py", "jobs/new.py", "pyproject.toml"])
def test_changed_sources_are_built(checkout: Path, tmp_path: Path, name: str) -> None:
    """Code, new files and what the project says: each gives a new wheel, and the old one goes."""
    wheel.build(checkout, tmp_path / "out")
    with (checkout / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    built = wheel.build(checkout, tmp_path / "out")

    assert list((tmp_path / "out").glob("*.whl")) == [built]
    if name != "pyproject.toml":
        assert b"# changed" in zipfile.ZipFile(built).read(name)


def test_failed_build_tells_why(checkout: Path, tmp_path: Path) -> None:
    """The build tool's own words are shown."""
    (checkout / "pyproject.toml").write_text(PROJECT.replace('version = "0.1.0"', 'version = "x y"'), encoding="utf-8")

    with pytest.raises(StackError, match="cannot be built"):
        wheel.build(checkout, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.whl"))


def test_slow_build_is_given_up(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours tells it, not a stack trace."""
    monkeypatch.setattr(wheel, "_BUILD_TIMEOUT_S", 0.001)

    with pytest.raises(StackError, match=r"not built within 0\.001 s"):
        wheel.build(checkout, tmp_path / "out")


def test_without_a_checkout_there_is_no_wheel(tmp_path: Path) -> None:
    """The message says which folder is none."""
    with pytest.raises(StackError, match="is no checkout of Penstock"):
        wheel.build(tmp_path, tmp_path / "out")
