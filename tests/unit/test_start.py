"""scripts/start.sh with stand-ins for the setup and for the command line: which jobs it sets up and starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

START = Path(__file__).parents[2] / "scripts" / "start.sh"
SAYS = '#!/bin/sh\necho "${0##*/} $*"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose programs only say how they were called."""
    files = {
        "scripts/start.sh": START.read_text(encoding="utf-8"),
        "scripts/setup.sh": SAYS,
        ".venv/bin/penstock": SAYS,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return tmp_path


def start(checkout: Path, *arguments: str) -> list[str]:
    """Run it; return what was called."""
    ended = subprocess.run([checkout / "scripts" / "start.sh", *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


@pytest.mark.parametrize("choice", [["--jobs", "pmml,spark"], ["--jobs=pmml,spark"]])
def test_chosen_jobs_are_set_up_and_started(checkout: Path, choice: list[str]) -> None:
    """All other options are those of `penstock up`."""
    assert start(checkout, "--no-demo", *choice) == [
        "setup.sh --jobs=pmml,spark",
        f"penstock up --no-demo {' '.join(choice)}",
    ]


def test_jobs_of_before_are_started_again(checkout: Path) -> None:
    """What was chosen once is meant from then on."""
    (checkout / ".penstock").mkdir()
    (checkout / ".penstock" / "jobs").write_text("pmml service\n", encoding="utf-8")

    assert start(checkout) == ["setup.sh ", "penstock up --jobs=pmml,service"]


def test_without_any_choice_the_command_decides(checkout: Path) -> None:
    """It starts what is installed, which is all of them."""
    assert start(checkout, "--demo") == ["setup.sh ", "penstock up --demo"]
