"""The scripts: what they say of themselves, and what they refuse, without doing anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script."""
    command = [SCRIPTS / f"{name}.sh", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", ["setup", "start", "stop"])
def test_every_script_explains_itself(name: str, flag: str) -> None:
    """Help needs no environment, and does nothing."""
    answer = run(name, flag)

    assert answer.returncode == 0
    assert answer.stdout.startswith(f"Usage: scripts/{name}.sh")


def test_unknown_option_is_wrong_usage() -> None:
    """Nothing is set up on a guess."""
    answer = run("setup", "--devel")

    assert answer.returncode == 2
    assert "Usage" in answer.stderr


def test_missing_python_is_named() -> None:
    """The first thing that is needed is looked for first, and the message says how to name another one."""
    answer = run("setup", PYTHON="no-such-python3.11")

    assert answer.returncode == 5
    assert "Python 3.11 is needed, 'no-such-python3.11' was not found" in answer.stderr


def test_missing_java_is_named_before_anything_is_installed(tmp_path: Path) -> None:
    """A Java that is not there is told in the first second, not after the downloads."""
    answer = run("setup", JAVA_HOME=str(tmp_path))

    assert answer.returncode == 5
    assert "Java 17 or later is needed, none was found" in answer.stderr
    assert "installing" not in answer.stdout
