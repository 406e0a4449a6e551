"""Every command that a document shows can be typed: the program, its options, the make target, the script."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import click
import pytest

from penstock.cli.__main__ import cli
from tests.docs.pages import ROOT, every_page, page

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELL = [(each.name, block.body) for each in every_page() for block in each.blocks if block.language == "sh"]
TARGETS = dict(re.findall(r"^([a-z0-9-]+):.*## (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ENDS = {"|", "&&", "||", ";", "done", "do", "END"}


def calls(program: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the arguments of every call of a program, in blocks and in running text."""
    texts = [*SHELL, *((each.name, code) for each in every_page() for code in each.code)]
    for name, text in texts:
        for line in text.replace("\\\n", " ").replace("|\n", "| ").splitlines():
            words = line.partition(" #")[0].split()
            for number, word in enumerate(words):
                if word == program:
                    rest = words[number + 1 :]
                    stop = next((place for place, each in enumerate(rest) if each in ENDS), len(rest))
                    yield name, rest[:stop]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Follow the words that name a command; returns it and the words that are left."""
    command: click.Command = cli
    context = click.Context(cli)
    left = [word.rstrip(",;:.") for word in words]
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        found = command.get_command(context, left[0])
        assert found, f"there is no command {left[0]!r}"
        command, left = found, left[1:]
    return command, left


@pytest.mark.parametrize(("name", "words"), list(calls("penstock")), ids=str)
def test_commands_of_penstock_exist(name: str, words: list[str]) -> None:
    """Command and options are those of the program."""
    command, left = command_of(words)
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}

    assert [word for word in left if word.startswith("-") and word.partition("=")[0] not in known] == [], name


@pytest.mark.parametrize(("name", "words"), list(calls("make")), ids=str)
def test_make_targets_exist(name: str, words: list[str]) -> None:
    """Each is one of the Makefile's."""
    assert {word.rstrip(",;:.") for word in words} <= TARGETS.keys(), name


@pytest.mark.parametrize(("name", "text"), SHELL, ids=str)
def test_blocks_are_shell(name: str, text: str) -> None:
    """Bash can read them."""
    answer = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)

    assert answer.returncode == 0, (name, answer.stderr)


def test_scripts_of_blocks_exist() -> None:
    """Each is there and can be run."""
    called = {word for _, text in SHELL for word in text.split() if word.startswith("scripts/")}

    assert [script for script in called if not os.access(ROOT / script, os.X_OK)] == []


@pytest.mark.parametrize("script", ["scripts/start.sh", "scripts/stop.sh", "scripts/setup.sh"])
def test_options_of_scripts_exist(script: str) -> None:
    """What a document passes to a script is in the script's own help."""
    usage = subprocess.run([ROOT / script, "-h"], capture_output=True, text=True, check=True).stdout
    given = {word for _, words in calls(script) for word in words if word.startswith("-")}

    assert [option for option in given if option not in usage] == []


def test_every_make_target_is_described() -> None:
    """In CONTRIBUTING.md, and none that is not there."""
    described = {target.removeprefix("make ") for target in page("CONTRIBUTING.md").table("Target")}

    assert described == TARGETS.keys()


def test_ci_runs_what_the_readme_names() -> None:
    """`.ci/run` is the README's test command and nothing else."""
    (block,) = page("README.md").marked("not run here")
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]

    assert "\n".join(commands) == block.body.strip()
