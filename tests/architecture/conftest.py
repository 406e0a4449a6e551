"""What the tests of the architecture share: the modules that ship, read but not run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("penstock", "input_adapter", "output_adapter", "jobs")


@dataclass(frozen=True, slots=True)
class Module:
    """A module as it is written."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def imports(self) -> set[str]:
        """What it imports anywhere, functions and type checking included, by full name."""
        return set(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                # A name may be a module or something in one; both begin with what counts.
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """Every module that ships in the wheel."""
    return [_read(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _read(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name=name, path=path, text=text, tree=ast.parse(text))
