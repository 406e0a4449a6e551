"""scripts/stop.sh with a stand-in for the command line, and without one: what it takes, and what it refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from penstock.cli.stack import down

STOP = Path(__file__).parents[2] / "scripts" / "stop.sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, in which nothing runs."""
    script = tmp_path / "scripts" / "stop.sh"
    script.parent.mkdir()
    script.write_text(STOP.read_text(encoding="utf-8"), encoding="utf-8")
    script.chmod(0o755)
    return tmp_path


def stop(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    script = checkout / "scripts" / "stop.sh"
    return subprocess.run([script, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--purged"], "takes no '--purged'"),
        (["all"], "takes no 'all'"),
        (["--state-dir"], "--state-dir needs a value"),
        (["--settings", "own.yaml"], "nothing reads 'own.yaml': name the stack's folder with --state-dir"),
    ],
)
def test_wrong_usage_is_told_without_an_environment(checkout: Path, wrong: list[str], told: str) -> None:
    """Else it would stop another stack than the one that is meant, or leave data that was to be deleted."""
    ended = stop(checkout, *wrong)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr


def test_data_are_deleted_without_an_environment(checkout: Path) -> None:
    """The folder is the one that is named, settings or not."""
    (checkout / "own" / "data").mkdir(parents=True)
    (checkout / "own" / "lock").write_text("no such stack", encoding="utf-8")

    ended = stop(checkout, "--settings=own.yaml", "--state-dir", "own", "--purge")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert not (checkout / "own" / "data").exists()


def test_every_option_of_the_command_is_taken(checkout: Path) -> None:
    """The script has a list of its own, for nothing can be asked where the environment is gone."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name, text in {"python": "#!/bin/sh\n", "penstock": '#!/bin/sh\necho "$*"\n'}.items():
        (binaries / name).write_text(text, encoding="utf-8")
        (binaries / name).chmod(0o755)
    for option in down.params:
        assert isinstance(option, click.Option)
        for name in option.opts:
            arguments = [name] if option.is_flag else [name, "x"]
            assert stop(checkout, *arguments).stdout == f"down {' '.join(arguments)}\n"
