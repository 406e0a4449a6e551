"""The tree explains itself: same role, same file name; small modules, each saying what it is for."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.deployables import SCORING, chosen

if TYPE_CHECKING:
    from tests.architecture.conftest import Module

#: What each engine's deployables have files for, under the same names everywhere.
ROLES = {
    "flink": {"__init__.py", "__main__.py", "operators.py", "pipeline.py"},
    "spark": {"__init__.py", "__main__.py", "driver.py", "loader.py", "served.py"},
}
ROOT = Path(__file__).parents[2]
HERE = {
    item.module.replace(".", "/"): item.engine
    for item in chosen(SCORING)
    if (ROOT / item.module.replace(".", "/") / "__main__.py").is_file()
}
DEPLOYABLES = tuple(HERE)
MOST_LINES = 400
MOST_FUNCTION_LINES = 40
MOST_MAIN_LINES = 20
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}


@pytest.fixture(scope="module")
def sources(root: Path) -> list[Path]:
    """Every Python file of the checkout, tests and scripts included."""
    folders = ("penstock", "input_adapter", "output_adapter", "jobs", "models", "scripts", "tests", "benchmarks")
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]


@pytest.mark.parametrize("folder", DEPLOYABLES)
def test_same_role_has_the_same_file_name(root: Path, folder: str) -> None:
    """Whoever knows one deployable knows where to look in the next one."""
    assert ROLES[HERE[folder]] <= {path.name for path in (root / folder).iterdir()}


@pytest.mark.parametrize("folder", [folder for folder, engine in HERE.items() if engine == "flink"])
def test_pipelines_have_one_face(root: Path, folder: str) -> None:
    """Each says which deployable it is, and has one function, build(flow, settings), that reads like the diagram."""
    tree = ast.parse((root / folder / "pipeline.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    assert [argument.arg for argument in functions["build"].args.args] == ["flow", "settings"]
    assert "DEPLOYABLE" in constants


@pytest.mark.parametrize("folder", DEPLOYABLES)
def test_entry_points_define_nothing(root: Path, folder: str) -> None:
    """What is defined in a program that is run would be a second copy, pickled by value."""
    text = (root / folder / "__main__.py").read_text(encoding="utf-8")
    names = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]

    assert len(text.splitlines()) <= MOST_MAIN_LINES
    assert names in ([], ["main"])


def test_packages_are_only_a_docstring(modules: list[Module]) -> None:
    """Importing a package runs nothing: workers import many, and every import counts at their start."""
    faults = [
        module.name
        for module in modules
        if module.path.name == "__init__.py"
        and [type(node) for node in module.tree.body if not isinstance(node, ast.ImportFrom | ast.Assign)] != [ast.Expr]
    ]

    assert faults == []


def test_every_module_says_what_it_is_for(sources: list[Path]) -> None:
    """Tests and scripts, too."""
    faults = [
        str(path) for path in sources if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) in {None, ""}
    ]

    assert faults == []


def test_modules_are_small(sources: list[Path]) -> None:
    """What has grown beyond a few screens wants to be two things."""
    sizes = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}

    assert {path: size for path, size in sizes.items() if size > MOST_LINES} == {}


def test_functions_are_small(modules: list[Module]) -> None:
    """A function fits on a screen, its docstring not counted."""
    faults = {
        f"{module.name}.{node.name}": size
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (size := _lines(node)) > MOST_FUNCTION_LINES
    }

    assert faults == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = function.end_lineno or function.lineno
    has_docstring = ast.get_docstring(function) is not None
    docstring = function.body[0]
    return end - function.lineno + 1 - ((docstring.end_lineno or 0) - docstring.lineno + 1 if has_docstring else 0)


def test_names_are_nouns_of_their_own(modules: list[Module]) -> None:
    """Neither vague nor a name of Python's own top-level modules."""
    faults = [
        module.name
        for module in modules
        if module.name.rpartition(".")[2] in VAGUE
        or ("." not in module.name and module.name in sys.stdlib_module_names)
    ]

    assert faults == []


def test_decisions_are_numbered_once(root: Path) -> None:
    """ADRs count from 0001 without gap or double, and each title repeats its number."""
    files = sorted((root / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [int(path.name.partition("-")[0]) for path in files]

    assert numbers == list(range(1, len(files) + 1))
    for path, number in zip(files, numbers, strict=True):
        assert re.match(rf"# (ADR )?0*{number}\b", path.read_text(encoding="utf-8")), path


def test_decisions_that_are_referred_to_exist(root: Path, sources: list[Path]) -> None:
    """A comment that sends the reader to an ADR sends them somewhere."""
    texts = {path: path.read_text(encoding="utf-8") for path in (*sources, *sorted((root / "java").rglob("*.java")))}
    wanted = {
        (str(path.relative_to(root)), number)
        for path, text in texts.items()
        for number in re.findall(r"docs/adr/(\d{4})", text)
    }
    known = {path.name[:4] for path in (root / "docs" / "adr").glob("*.md")}

    assert {(path, number) for path, number in wanted if number not in known} == set()
