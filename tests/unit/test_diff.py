"""``penstock diff`` between files, which takes no broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit
from penstock.testing import builders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two documents: a challenger grows from 10 to 20 of 100."""
    found = []
    for version, weight in ((7, 10), (8, 20)):
        variants = [
            {"name": "champion", "weight": 100 - weight, "model": "iris-tree:1"},
            {"name": "challenger", "weight": weight, "model": "iris-tree:2"},
        ]
        changes: dict[str, Any] = {"model": None, "split": {"variants": variants}}
        file = tmp_path / f"{version}.json"
        made = builders.document(version=version, routes=[builders.route(**changes)])
        file.write_text(made.model_dump_json(exclude_none=True), encoding="utf-8")
        found.append(str(file))
    return found


def run(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(cli, ["diff", *arguments])


def test_text_has_changes_and_moves(files: list[str]) -> None:
    """It says whether shares are exact."""
    old, new = files
    result = run(new, "--against", old)

    assert result.exit_code == Exit.OK
    assert result.stdout.splitlines() == [
        f"from {old} to {new}, version 8",
        "",
        "~ version: 7 -> 8",
        "~ routes[iris].split.variants[champion].weight: 90 -> 80",
        "~ routes[iris].split.variants[challenger].weight: 10 -> 20",
        "",
        "routes[iris]: 10 % of its keys move (exact)",
        "  FROM      TO          SHARE",
        "  champion  challenger  10 %",
    ]


def test_json_has_them_as_data(files: list[str]) -> None:
    """For programs."""
    old, new = files
    found = json.loads(run(new, "--against", old, "--format", "json").stdout)

    assert found["changes"][0] == {"kind": "changed", "path": "version", "old": 7, "new": 8}
    assert found["moves"][0]["exact"] is True
    assert found["moves"][0]["variants"][0]["share"] == pytest.approx(0.1)


def test_equal_documents_say_so(files: list[str]) -> None:
    """And it is no failure."""
    result = run(files[0], "--against", files[0])

    assert result.exit_code == Exit.OK
    assert result.stdout.splitlines()[-1] == "nothing is different"


def test_document_with_faults_says_where(files: list[str], tmp_path: Path) -> None:
    """Every fault, with its place in its file."""
    file = tmp_path / "bad.yaml"
    file.write_text("version: 1\nsource: []\nroutes: []\nmodels: {}\n", encoding="utf-8")
    result = run(str(file), "--against", files[0])

    assert result.exit_code == Exit.USAGE
    assert f"- {file}:2:1: source: unknown key 'source'; did you mean 'sources'?" in result.stderr


def test_two_things_to_compare_with_are_refused(files: list[str]) -> None:
    """One of them."""
    result = run(files[1], "--against", files[0], "--from-version", "3")

    assert result.exit_code == Exit.USAGE
    assert "give one of them" in result.stderr
