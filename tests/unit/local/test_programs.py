"""The stack's programs: what each is started with, and how the supervisor is told."""

from __future__ import annotations

import configparser
import shlex
import xmlrpc.client
from pathlib import Path

import pytest

from penstock.errors import StackError
from penstock.local import broker, flink_cluster, supervision
from penstock.local.layout import Layout
from penstock.local.parts import OPTIONAL, programs, servers
from penstock.settings import Settings

WHEEL = Path("/w/penstock.whl")


@pytest.fixture(autouse=True)
def _java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java that answers nobody."""
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a stack in a folder whose name has a blank and a percent sign."""
    return Settings(local={"state_dir": tmp_path / "a 5% state", "kafka_port": 1, "kafka_controller_port": 2})


def told(settings: Settings) -> configparser.ConfigParser:
    """Return the supervisor's configuration as it reads it."""
    layout = Layout.of(settings)
    parsed = configparser.ConfigParser()
    parsed.read_string(supervision.configuration(programs(settings, layout, WHEEL), layout, settings.local))
    return parsed


def test_broker_starts_first_and_ends_last(settings: Settings) -> None:
    """Everything else would complain without it."""
    names = [
        program.name for program in sorted(programs(settings, Layout.of(settings), WHEEL), key=lambda p: p.priority)
    ]

    assert names == ["kafka", "jobmanager", "taskmanager", "model-server", "spark-driver", "keeper", "demo"]


def test_own_broker_leaves_kafka_out() -> None:
    """With a broker of the user's none is started."""
    settings = Settings(kafka={"external": {"bootstrap_servers": "mine:9092"}})

    assert servers(settings) == ["jobmanager", "taskmanager"]
    assert "program:kafka" not in told(settings)


def test_nothing_starts_by_itself_and_everything_comes_back(settings: Settings) -> None:
    """Steps decide about the start, the supervisor about coming back."""
    for name in ("kafka", "jobmanager", "taskmanager", "model-server", "spark-driver", "keeper", "demo"):
        section = told(settings)[f"program:{name}"]
        assert (section["autostart"], section["autorestart"]) == ("false", "true")


def test_odd_characters_in_paths_survive(settings: Settings) -> None:
    """Blanks are quoted, percent signs are not taken for expansions."""
    command = shlex.split(told(settings)["program:demo"]["command"])

    assert command[-1] == str(Layout.of(settings).settings_file)


def test_logs_are_put_aside_in_time(settings: Settings) -> None:
    """Size and number of log files are settings."""
    section = told(settings)["program:kafka"]

    assert int(section["stdout_logfile_maxbytes"]) == settings.local.log_max_mb * 1024 * 1024
    assert int(section["stdout_logfile_backups"]) == settings.local.log_backups


@pytest.mark.parametrize("name", OPTIONAL)
def test_our_own_programs_run_from_the_wheel(settings: Settings, name: str) -> None:
    """With the code that was built, and the settings that the stack was started with."""
    layout = Layout.of(settings)
    found = next(program for program in programs(settings, layout, WHEEL) if program.name == name)

    assert found.environment["PYTHONPATH"] == str(WHEEL)
    assert found.command[-1] == str(layout.settings_file)


def test_sparks_driver_ends_its_own_java(settings: Settings) -> None:
    """Asked at the same time, Java would be gone before the last results are written; and it takes its time."""
    driver, server = (told(settings)[f"program:{name}"] for name in ("spark-driver", "model-server"))

    assert (driver["stopasgroup"], server["stopasgroup"]) == ("false", "true")
    assert driver["killasgroup"] == "true"
    assert int(driver["stopwaitsecs"]) == 2 * int(server["stopwaitsecs"])


def test_workers_cannot_import_the_checkout(settings: Settings) -> None:
    """Neither folder nor environment of Flink's processes leads to the sources."""
    for program in programs(settings, Layout.of(settings), WHEEL):
        assert program.directory == Layout.of(settings).tmp
        if program.name not in OPTIONAL:
            assert "PYTHONPATH" not in program.environment


def test_broker_takes_dead_letters(settings: Settings) -> None:
    """No topic's limit is above the broker's own."""
    properties = broker.server_properties(settings, Layout.of(settings))

    assert int(properties["message.max.bytes"]) >= settings.limits.max_dead_letter_bytes
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"


def test_slow_storage_tool_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours tells it, with the log, not a stack trace."""
    monkeypatch.setattr(broker, "_FORMAT_TIMEOUT_S", 0.01)
    layout = Layout.of(settings)
    layout.make()

    with pytest.raises(StackError, match=r"within 0\.01 s; is this machine very busy\?; its log is"):
        broker.format_storage(settings, layout)


def test_supervisor_that_does_not_start_is_told(settings: Settings) -> None:
    """With its exit status and its own words."""
    layout = Layout.of(settings)
    layout.make()

    with pytest.raises(StackError, match=r"supervisord did not start \(exit status 2\)") as caught:
        supervision.Supervisor(layout).launch("no configuration")

    assert "Error" in caught.value.log_tail


class Restarting(supervision.Supervisor):
    """A supervisord whose program has just ended by itself: its answers in their order, as it was seen to give them."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.coming = ["RUNNING", "EXITED", "EXITED", "STARTING", "STOPPING", "STOPPING", "STOPPED"]
        self.asked_to_stop: list[str] = []

    def _ask(self, method: str, *arguments: object) -> object:
        state = self.coming.pop(0)
        if method == "getAllProcessInfo":
            return [{"name": "demo", "statename": state}]
        self.asked_to_stop.append(state)
        if state != "STARTING":
            raise xmlrpc.client.Fault(70, "NOT_RUNNING: demo")
        return True


def test_program_that_has_just_ended_stays_ended(settings: Settings) -> None:
    """To stop it is refused in that moment, and in the next it is started again."""
    supervisor = Restarting(Layout.of(settings))

    assert supervisor.stop("demo")
    assert (supervisor.asked_to_stop, supervisor.coming) == (["EXITED", "STARTING", "STOPPING"], [])


def test_flinks_configuration_follows_settings() -> None:
    """Ports, memory, slots and pauses are settings, not code."""
    settings = Settings(
        flink={"rest_port": 11, "checkpoint_interval_ms": 1234, "restart_max_delay_ms": 99},
        local={"flink_rpc_port": 12, "task_slots": 7, "taskmanager_memory_mb": 3000},
    )

    written = flink_cluster.configuration(settings, Layout.of(settings))

    assert (written["rest.port"], written["jobmanager.rpc.port"]) == (11, 12)
    assert written["taskmanager.numberOfTaskSlots"] == 7
    assert written["taskmanager.memory.process.size"] == "3000m"
    assert written["execution.checkpointing.interval"] == "1234ms"
    assert written["restart-strategy.exponential-delay.max-backoff"] == "99ms"


def test_flink_bears_a_machine_that_stands_still(settings: Settings) -> None:
    """Longer than its own 10 s, after which jobs restart, or end without a last checkpoint."""
    assert flink_cluster.configuration(settings, Layout.of(settings))["pekko.ask.timeout"] == "60s"


def test_flink_keeps_the_modules_that_it_ships_with(settings: Settings) -> None:
    """Java 17 refuses Flink without the options of Flink's own configuration."""
    options = flink_cluster.configuration(settings, Layout.of(settings))["env.java.opts.all"]

    assert "--add-opens=java.base/java.util=ALL-UNNAMED" in options


def test_flink_keeps_to_its_folders(settings: Settings) -> None:
    """Two stacks side by side share no configuration, log, or process id file."""
    environment = flink_cluster.environment(Layout.of(settings))

    folders = {name: value for name, value in environment.items() if name.endswith("_DIR")}
    assert set(folders) == {"FLINK_LIB_DIR", "FLINK_CONF_DIR", "FLINK_LOG_DIR", "FLINK_PID_DIR"}
    assert all(Path(folder).is_relative_to(settings.local.state_dir) for folder in folders.values())


def test_ends_are_read_from_the_supervisors_log() -> None:
    """Those that nobody asked for, of one program, soon after its start or later; and the way of each."""
    log = """\
2025-11-21 21:00:01,100 INFO spawned: 'kafka' with pid 7
2025-11-21 21:00:02,100 WARN exited: kafka (exit status 1; not expected)
2025-11-21 21:00:09,100 WARN exited: jobmanager (exit status 2; not expected)
2025-11-21 21:00:10,100 INFO exited: kafka (exit status 0; expected)
2025-11-21 21:00:20,100 WARN exited: kafka (terminated by SIGKILL; not expected)
2025-11-21 21:00:21,100 WARN stopped: kafka (exit status 143)
""".splitlines(keepends=True)

    assert supervision.ends(log, "kafka") == ["exit status 1", "exit status 0", "terminated by SIGKILL"]
    assert supervision.ends(log, "taskmanager") == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ([], "ended as often as it was started"),
        (["exit status 1"], "ended once (exit status 1)"),
        (["exit status 1"] * 3, "ended 3 times (exit status 1)"),
        (["exit status 1", "terminated by SIGKILL"], "ended 2 times (exit status 1, terminated by SIGKILL)"),
    ],
)
def test_ends_are_told_in_words(how: list[str], said: str) -> None:
    """How often, and each way once."""
    assert supervision.times(how) == said
