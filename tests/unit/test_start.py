"""scripts/start.sh with stand-ins for the setup and for the command line: which jobs it sets up and starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from penstock.cli.stack import up
from penstock.deployables import SCORING

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


def test_no_jobs_are_no_choice_of_jobs(checkout: Path) -> None:
    """What was chosen before is not added to --no-jobs, which it would contradict."""
    (checkout / ".penstock").mkdir()
    (checkout / ".penstock" / "jobs").write_text("pmml service\n", encoding="utf-8")

    assert start(checkout, "--no-jobs") == ["setup.sh ", "penstock up --no-jobs"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--no-demos"], "takes no '--no-demos'"),
        (["pmml"], "takes no 'pmml'"),
        (["--demo=yes"], "takes no '--demo=yes'"),
        (["--state-dir"], "--state-dir needs a value"),
        (["--settings", "absent.yaml"], "no file 'absent.yaml'"),
        (["--settings=absent.yaml"], "no file 'absent.yaml'"),
        (["--jobs", "pmml", "--no-jobs"], "--jobs and --no-jobs contradict each other"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_set_up(checkout: Path, wrong: list[str], told: str) -> None:
    """A fresh clone would be set up for minutes first."""
    ended = subprocess.run([checkout / "scripts" / "start.sh", *wrong], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["--jobs", "foo"], "foo"),
        (["--jobs=pmml,foo"], "foo"),
        (["--jobs", "pmml", "--jobs", "foo"], "foo"),
        (["--jobs", "pmml spark"], "pmml spark"),
        (["--jobs", "pmml, spark"], " spark"),
        (["--jobs", "pmml,"], ""),
        (["--jobs="], ""),
        (["--jobs", "--no-demo"], "--no-demo"),
        (["--jobs", "*"], "*"),
    ],
)
def test_unknown_job_is_told_in_one_line(checkout: Path, given: list[str], word: str) -> None:
    """It says which there are, which there is not, and what to do, before anything is set up."""
    ended = subprocess.run([checkout / "scripts" / "start.sh", *given], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"error: --jobs takes pmml, spark and service, with commas between them; there is no job {word!r}: "
        "correct it, or leave --jobs out for what was chosen before, or all\n"
    )


def test_every_job_of_the_command_is_taken(checkout: Path) -> None:
    """The script has a list of its own here, too."""
    every = ",".join(SCORING)

    assert start(checkout, "--jobs", every) == [f"setup.sh --jobs={every}", f"penstock up --jobs {every}"]


def test_every_option_of_the_command_is_taken(checkout: Path) -> None:
    """The script has a list of its own, for nothing can be asked before the environment exists."""
    (checkout / "own.yaml").touch()
    values = {"--jobs": "pmml", "--settings": "own.yaml"}
    for option in up.params:
        assert isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts):
            arguments = [name] if option.is_flag else [name, values.get(name, "x")]
            assert start(checkout, *arguments)[-1] == f"penstock up {' '.join(arguments)}"
