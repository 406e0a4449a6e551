"""``penstock validate``: every fault at once, and no broker asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str, given: str = "") -> Result:
    """Call the command."""
    return CliRunner().invoke(cli, ["validate", *arguments], input=given)


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """A document with two faults."""
    file = tmp_path / "faulty.yaml"
    file.write_text("version: 1\nsource: []\nroutes: []\nmodels: {}\n", encoding="utf-8")
    return str(file)


def test_demo_document_has_no_faults() -> None:
    """It is what is looked at where no file is given."""
    result = run()

    assert result.exit_code == Exit.OK
    assert result.stdout.endswith("routing.yaml: no faults; version 1, 5 sources, 6 routes, 6 models\n")


def test_faults_are_lines_that_editors_understand(faulty: str) -> None:
    """All of them, each with file, line, column, path, and what was meant; then how many."""
    result = run(faulty)

    assert result.exit_code == Exit.USAGE
    assert result.stdout.splitlines() == [
        f"{faulty}:1:1: sources: is missing",
        f"{faulty}:2:1: source: unknown key 'source'; did you mean 'sources'?",
        f"{faulty}:3:1: routes: must not be empty",
        f"{faulty}: 3 faults",
    ]


def test_one_bad_file_does_not_hide_another(faulty: str) -> None:
    """Each has its say."""
    result = run(faulty, "-", given="version: [")

    assert result.exit_code == Exit.USAGE
    assert f"{faulty}: 3 faults" in result.stdout
    assert "standard input:2:1: the document: is not YAML" in result.stdout


def test_a_fault_without_a_place_has_the_file_alone() -> None:
    """As editors take it: what follows the file is no column."""
    assert "standard input: the document: expected keys such as version" in run("-", given="").stdout


def test_json_is_a_line_for_each_file(faulty: str) -> None:
    """For programs."""
    (line,) = run(faulty, "--format", "json").stdout.splitlines()
    found = json.loads(line)

    assert found["valid"] is False
    assert found["faults"][1] == {
        "line": 2,
        "column": 1,
        "path": "source",
        "message": "unknown key 'source'; did you mean 'sources'?",
    }
