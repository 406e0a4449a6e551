"""The command line's frame: its table of commands, its help, and how it ends on an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from penstock import errors
from penstock.cli import __main__ as main
from penstock.cli.exits import Exit
from penstock.cli.options import state_dir_option, with_settings

if TYPE_CHECKING:
    from penstock.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner() -> CliRunner:
    """Runs the command line in this process."""
    return CliRunner()


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_of_the_table_is_there(runner: CliRunner, name: str) -> None:
    """Each has help with an example and says what its exit status means."""
    context = click.Context(main.cli)
    command = main.cli.get_command(context, name)
    calls = [[name, part] for part in command.list_commands(context)] if isinstance(command, click.Group) else [[name]]

    for call in calls:
        result = runner.invoke(main.cli, [*call, "--help"])
        assert result.exit_code == 0, result.output
        assert "Example" in result.output
        assert "Exit status" in result.output


def test_help_imports_no_command() -> None:
    """`penstock --help` is quick, because it reads the table only."""
    program = (
        "import sys; from click.testing import CliRunner; from penstock.cli.__main__ import cli; "
        "assert 'deadletters' in CliRunner().invoke(cli, ['--help']).output; "
        "print([name for name in ('kafka', 'pydantic', 'psutil', 'pyflink') if name in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SettingsError(("a",)), Exit.USAGE),
        (errors.RoutingDocumentError(("a",)), Exit.USAGE),
        (errors.ModelLoadError("a:1", "b"), Exit.USAGE),
        (errors.StoreError("s4://a", "no store speaks s4://"), Exit.USAGE),
        (errors.StoreError("s3://a", "is the store up?", True), Exit.UNAVAILABLE),
        (errors.KafkaUnavailableError("a:1", "b"), Exit.UNAVAILABLE),
        (errors.PrerequisiteError(("a",)), Exit.LACKING),
        (errors.StackError("a", "b", "c"), Exit.STEP_FAILED),
        (errors.TopicError(("a",)), Exit.FAILED),
    ],
)
def test_error_ends_as_message_and_status(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, error: errors.PenstockError, status: Exit
) -> None:
    """One message on standard error, no stack trace, and a status that says which kind of error it was."""

    @click.command
    def failing() -> None:
        raise error

    monkeypatch.setattr(main, "failing", failing, raising=False)
    monkeypatch.setitem(main.COMMANDS, "fail", main.Entry("penstock.cli.__main__:failing", "Fail."))

    result = runner.invoke(main.cli, ["fail"])

    assert result.exit_code == status
    assert result.stderr.strip() == f"Error: {error}".strip()


def test_interrupt_has_the_shells_status(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command like any other program."""

    @click.command
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "interrupted", interrupted, raising=False)
    monkeypatch.setitem(main.COMMANDS, "stop", main.Entry("penstock.cli.__main__:interrupted", "Stop."))

    assert runner.invoke(main.cli, ["stop"]).exit_code == Exit.INTERRUPTED


def test_sigterm_leaves_nothing_behind(tmp_path: Path) -> None:
    """A command that is ended cleans up as it does at its end: here, the folder of a model that is being read."""
    file, temporary = tmp_path / "model.pmml", tmp_path / "temporary"
    os.mkfifo(file)
    temporary.mkdir()
    command = [sys.executable, "-m", "penstock.cli", "models", "add", file, "--name", "a", "--version", "1"]
    process = subprocess.Popen([*command, "--dry-run"], cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)})
    with file.open("wb"):  # waits until the other end is open, too
        made = list(temporary.iterdir())
        process.terminate()
        status = process.wait()

    assert (len(made), status, list(temporary.iterdir())) == (1, Exit.TERMINATED, [])


@pytest.mark.parametrize("source", ["s4://bucket/model.pmml", "absent.pmml", "file:///absent.pmml"])
def test_file_that_cannot_be_had_is_wrong_usage(runner: CliRunner, source: str) -> None:
    """Nothing was asked that might answer a moment later."""
    result = runner.invoke(main.cli, ["models", "add", source, "--name", "a", "--version", "1", "--dry-run"])

    assert result.exit_code == Exit.USAGE, result.output


def test_unknown_command_is_wrong_usage(runner: CliRunner) -> None:
    """A spelling mistake is told as such."""
    result = runner.invoke(main.cli, ["satus"])

    assert result.exit_code == Exit.USAGE
    assert "satus" in result.stderr


def test_flags_become_settings(runner: CliRunner, tmp_path: Path) -> None:
    """Shared flags override settings, and only those that were given."""
    seen: list[Settings] = []

    @click.command
    @state_dir_option
    @with_settings
    def command(settings: Settings) -> None:
        seen.append(settings)

    runner.invoke(command, ["--bootstrap-servers", "mine:1", "--state-dir", str(tmp_path)], catch_exceptions=False)
    runner.invoke(command, [], catch_exceptions=False)

    assert seen[0].kafka.external.bootstrap_servers == "mine:1"
    assert seen[0].local.state_dir == tmp_path
    assert seen[1].local.state_dir != tmp_path
