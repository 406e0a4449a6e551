"""What the machine must have free, and how a lack is told."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from penstock.errors import PrerequisiteError
from penstock.local import machine
from penstock.settings import Settings
from penstock.testing.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def settings_for(tmp_path: Path, **local: object) -> Settings:
    """Return settings of a machine that lacks nothing, but for what is changed."""
    kafka, controller, rpc, rest = free_ports(4)
    for name in ("kafka", "flink"):
        (tmp_path / "jars" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "jars" / name / "some.jar").touch()
    defaults = {
        "state_dir": tmp_path / "state",
        "jars_dir": tmp_path / "jars",
        "kafka_port": kafka,
        "kafka_controller_port": controller,
        "flink_rpc_port": rpc,
        "min_free_disk_mb": 1,
    }
    return Settings(local={**defaults, **local}, flink={"rest_port": rest})


def test_machine_that_lacks_nothing_passes(tmp_path: Path) -> None:
    """Free ports, jars and disk space: nothing to say."""
    machine.check(settings_for(tmp_path))


def test_port_in_use_is_named_with_its_holder(tmp_path: Path, taken: int) -> None:
    """Port, setting and process: enough to know whom to end or what to change."""
    expected = rf"port {taken} \(setting 'local\.kafka_port'\) is in use by process {os.getpid()} \(.+\)"

    with pytest.raises(PrerequisiteError, match=expected):
        machine.check(settings_for(tmp_path, kafka_port=taken))


def test_kafkas_ports_do_not_matter_with_an_own_broker(tmp_path: Path, taken: int) -> None:
    """Only ports that are going to be used have to be free."""
    settings = settings_for(tmp_path, kafka_port=taken)
    own = Settings(local=settings.local, flink=settings.flink, kafka={"external": {"bootstrap_servers": "mine:9092"}})

    machine.check(own)


def test_same_port_twice_is_refused(tmp_path: Path) -> None:
    """Two settings with one port cannot both have it."""
    settings = settings_for(tmp_path)

    with pytest.raises(PrerequisiteError, match=r"is set twice: local\.kafka_port, local\.kafka_controller_port"):
        machine.check(
            settings_for(
                tmp_path, kafka_port=settings.local.kafka_port, kafka_controller_port=settings.local.kafka_port
            )
        )


def test_full_disk_is_named(tmp_path: Path) -> None:
    """The check works for a folder that is yet to be made, and says how much is there."""
    with pytest.raises(PrerequisiteError, match=r"999999999999 MiB of free disk are needed at .*, found \d+"):
        machine.check(settings_for(tmp_path, min_free_disk_mb=999_999_999_999))


def test_missing_jars_are_named(tmp_path: Path) -> None:
    """Which folder, and the command that fills it."""
    settings = settings_for(tmp_path)
    (tmp_path / "jars" / "kafka" / "some.jar").unlink()

    with pytest.raises(PrerequisiteError, match=r"jars are missing in .*/kafka: run 'scripts/start\.sh'"):
        machine.check(settings)


def test_all_lacks_are_told_at_once(tmp_path: Path, taken: int) -> None:
    """One look is enough to see everything that has to be mended."""
    with pytest.raises(PrerequisiteError, match="2 faults"):
        machine.check(settings_for(tmp_path, kafka_port=taken, min_free_disk_mb=999_999_999_999))
