"""``penstock up`` and ``down`` where they refuse, or have nothing to do: no process is started here."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from penstock import settings as settings_file
from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit
from penstock.local.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Penstock = Callable[..., Result]


@pytest.fixture
def penstock(tmp_path: Path) -> Iterator[Penstock]:
    """Run a command with these settings, on a state folder of its own."""
    handlers = logging.getLogger().handlers[:]

    def run(*arguments: str, state: str = "state", **settings: Any) -> Result:
        file = tmp_path / "penstock.yaml"
        # No machine has this much room: whatever a test gets wrong, nothing is started.
        local = {"min_free_disk_mb": 2**40, **settings.pop("local", {})}
        file.write_text(yaml.safe_dump({**settings, "local": local}), encoding="utf-8")
        return CliRunner().invoke(cli, [*arguments, "--settings", str(file), "--state-dir", str(tmp_path / state)])

    yield run
    logging.getLogger().handlers[:] = handlers


def started(folder: Path) -> Layout:
    """Make a state folder as that of a stack that was started once."""
    layout = Layout(folder)
    layout.make()
    layout.lock.write_text(layout.stack_id, encoding="ascii")
    settings_file.write(settings_file.Settings(local={"state_dir": folder}), layout.settings_file)
    return layout


@pytest.mark.parametrize("flags", [("--jobs", "pmml", "--no-jobs"), ("--no-jobs", "--jobs=pmml")])
def test_jobs_and_none_are_refused(penstock: Penstock, flags: tuple[str, ...]) -> None:
    """One of them would be passed over without a word."""
    result = penstock("up", *flags)

    assert result.exit_code == Exit.USAGE
    assert "--jobs and --no-jobs contradict each other: leave one of them out" in result.stderr


def test_certificate_that_is_missing_is_told_before_anything_starts(penstock: Penstock, tmp_path: Path) -> None:
    """The jobs take it along when they are submitted, minutes later."""
    servers = {"own": {"endpoints": ["serving:9000"], "tls": {"ca": "/nowhere.pem"}}}

    result = penstock("up", "--jobs", "pmml", service={"servers": servers})

    assert result.exit_code == Exit.USAGE
    assert "'service.servers.own.tls.ca': there is no file '/nowhere.pem' that can be read" in result.stderr
    assert not (tmp_path / "state" / "run").exists()


def test_down_finds_no_stack(penstock: Penstock, tmp_path: Path) -> None:
    """Another folder than the stack's is told as such, and nothing is made in it."""
    result = penstock("down")

    assert result.exit_code == Exit.FAILED
    assert f"no stack at '{tmp_path / 'state'}': run this in its checkout" in result.stderr
    assert not (tmp_path / "state").exists()


def test_down_of_what_was_never_started_touches_nothing(penstock: Penstock, tmp_path: Path) -> None:
    """A folder with the jars only, or somebody else's."""
    data = tmp_path / "state" / "data"
    data.mkdir(parents=True)

    result = penstock("down", "--purge")

    assert (result.exit_code, result.stdout) == (Exit.OK, "nothing ran\n")
    assert list((tmp_path / "state").rglob("*")) == [data]


def test_down_twice_is_harmless(penstock: Penstock, tmp_path: Path) -> None:
    """Also after a purge."""
    started(tmp_path / "state")

    for _ in range(2):
        result = penstock("down", "--purge")
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (Exit.OK, "nothing ran")


def test_down_goes_by_kept_settings_where_the_file_is_wrong(penstock: Penstock, tmp_path: Path) -> None:
    """A typo must not keep a stack running."""
    layout = started(tmp_path / "state")
    layout.pid_file("kafka").touch()

    result = penstock("down", lokal={})

    assert result.exit_code == Exit.OK
    assert "'lokal' (from" in result.stderr
    assert "going by the settings that the stack was started with" in result.stderr
    assert not layout.run.exists()


def test_down_without_kept_settings_tells_the_fault(penstock: Penstock) -> None:
    """There is nothing else to go by."""
    result = penstock("down", lokal={})

    assert result.exit_code == Exit.USAGE
    assert "'lokal' (from" in result.stderr


def test_down_after_an_upgrade(penstock: Penstock, tmp_path: Path) -> None:
    """Kept settings that this release cannot read do not keep a stack from being stopped."""
    layout = started(tmp_path / "state")
    layout.settings_file.write_text("gone: 1\n", encoding="utf-8")

    assert penstock("down").exit_code == Exit.OK
    assert penstock("down", lokal={}).exit_code == Exit.OK


def test_up_refuses_too_few_slots(penstock: Penstock, tmp_path: Path) -> None:
    """Jobs that wait for slots for ever would be the alternative."""
    result = penstock("up", flink={"parallelism": 3})

    assert result.exit_code == Exit.USAGE
    assert (
        "4 jobs on Flink x flink.parallelism 3 need 12 slots, local.task_slots is 8: set it to 12 or more"
        in result.stderr
    )
    assert not (tmp_path / "state" / "conf").exists()


def test_up_refuses_wrong_models(penstock: Penstock, tmp_path: Path) -> None:
    """In one line, and before anything is started or stopped."""
    folder = tmp_path / "models"
    folder.mkdir()
    descriptor = {"name": "a", "version": 1, "job": "pmml", "format": "pmml", "uri": "gone.pmml", "sha256": "0" * 64}
    (folder / "descriptor.yaml").write_text(yaml.safe_dump(descriptor), encoding="utf-8")

    result = penstock("up", models_dir=str(folder))

    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"Error: model 'a:1' cannot be loaded: its file '{folder / 'gone.pmml'}' cannot be")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "state" / "conf").exists()


def test_up_refuses_jobs_that_there_are_not(penstock: Penstock) -> None:
    """The known ones are named; they may come in one word."""
    result = penstock("up", "--jobs", "pmml,flink")

    assert result.exit_code == Exit.USAGE
    assert "there is no job 'flink'; there are pmml, spark, service" in result.stderr


def test_up_tells_what_a_job_lacks(penstock: Penstock, tmp_path: Path) -> None:
    """Before anything is started, with the command that installs it."""
    result = penstock("up", "--jobs", "pmml,spark", local={"jars_dir": str(tmp_path / "none")})

    assert result.exit_code == Exit.LACKING
    assert "which job spark needs: run 'scripts/setup.sh --jobs pmml,spark'" in result.stderr
    assert not (tmp_path / "state" / "conf").exists()
