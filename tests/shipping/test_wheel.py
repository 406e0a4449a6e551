"""What is in the wheel: all of the packages, their data, and nothing else."""

from __future__ import annotations

import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shipping.conftest import Interpreter

ROOT = Path(__file__).parents[2]
OURS = ("penstock", "input_adapter", "output_adapter", "jobs")


@pytest.fixture
def names(built: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_everything_that_ships_is_in_it(names: set[str]) -> None:
    """Modules and package data alike."""
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in OURS
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {name for name in names if ".dist-info/" not in name} == wanted
    assert {"penstock/py.typed", "penstock/iris.csv"} <= wanted


def test_nothing_else_is_importable_from_it(names: set[str]) -> None:
    """A top-level `config`, `tests` or `models` would shadow other people's."""
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(OURS)


def test_console_script_and_transforms_are_declared(interpreter: Interpreter) -> None:
    """What pip makes of the wheel: the command, and the place where others' transforms register."""
    unpacked = interpreter.path[0]
    (information,) = unpacked.glob("*.dist-info")
    points = PathDistribution(information).entry_points

    assert {point.name: point.value for point in points.select(group="console_scripts")} == {
        "penstock": "penstock.cli.__main__:main"
    }


def test_every_module_of_it_can_be_imported(interpreter: Interpreter, names: set[str]) -> None:
    """With the packages that are pinned, and with nothing from the checkout."""
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in names
        if name.endswith(".py") and not name.endswith("__main__.py")
    )
    files = interpreter.run(
        f"import importlib, json; names = {modules!r}\n"
        "files = {name: importlib.import_module(name).__file__ for name in names}\n"
        "open(answer, 'w').write(json.dumps(files))"
    )

    assert all(Path(file).is_relative_to(interpreter.path[0]) for file in files.values())
    assert len(files) > 50


def test_commands_of_it_can_be_called(interpreter: Interpreter) -> None:
    """The command line finds all that it needs in the wheel."""
    said = interpreter.run(
        "import json\n"
        "from click.testing import CliRunner\n"
        "from penstock.cli.__main__ import COMMANDS, cli\n"
        "ended = {name: CliRunner().invoke(cli, [name, '--help']).exit_code for name in COMMANDS}\n"
        "open(answer, 'w').write(json.dumps(ended))"
    )

    assert set(said.values()) == {0}
    assert {"up", "tail", "doctor"} <= set(said)


def test_interpreter_has_nothing_of_ours_but_the_wheel(interpreter: Interpreter) -> None:
    """Else these tests would prove nothing: neither the checkout nor an installed Penstock is found."""
    interpreter.path[0].rename(interpreter.folder / "elsewhere")

    found = interpreter.run(
        "import importlib.util, json\n"
        f"names = [name for name in {OURS!r} if importlib.util.find_spec(name)]\n"
        "open(answer, 'w').write(json.dumps(names))"
    )

    assert found == []
