"""What the tests against a real broker share: one broker for the run, and an installation of its own for each test."""

from __future__ import annotations

import json
import logging
import shlex
import socket
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from penstock import kafka, settings, topics
from penstock.cli.__main__ import cli
from penstock.local import broker
from penstock.local.layout import Layout
from penstock.local.waiting import log_tail, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

_UP_S = 60
_POLL_S = 0.2


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def broker_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings whose clusters are a broker that runs for the whole session, on free ports, in a folder of its own."""
    loaded = settings.load(
        overrides={
            "local.state_dir": str(tmp_path_factory.mktemp("broker")),
            "local.kafka_port": free_port(),
            "local.kafka_controller_port": free_port(),
            "local.kafka_heap_mb": 256,
            "kafka.external.bootstrap_servers": "",
        }
    )
    layout = Layout.of(loaded)
    layout.make()
    broker.write_configuration(loaded, layout)
    broker.format_storage(loaded, layout)
    log = layout.log(broker.PROGRAM)
    with log.open("wb") as output:
        process = subprocess.Popen(broker.command(loaded, layout), stdout=output, stderr=subprocess.STDOUT)

    def answers() -> bool:
        assert process.poll() is None, f"the broker ended:\n{log_tail(log)}"
        # The client leaks a socket for each refused connection, so it is called when somebody listens.
        with socket.socket() as probe:
            listens = probe.connect_ex((loaded.local.host, loaded.local.kafka_port)) == 0
        return listens and kafka.available(loaded.kafka.external)

    try:
        assert wait_until(answers, _UP_S, _POLL_S), f"no broker after {_UP_S} s:\n{log_tail(log)}"
        yield loaded
    finally:
        process.terminate()
        process.wait(timeout=_UP_S)


@dataclass(frozen=True, slots=True)
class Installation:
    """Penstock with topics that no other test has: an own internal prefix, and users' topics with an own ending."""

    settings: Settings
    file: Path
    ending: str

    @property
    def cluster(self) -> ClusterSettings:
        """The cluster, which has users' and internal topics."""
        return self.settings.kafka.external

    def topic(self, name: str, *, partitions: int = 2) -> str:
        """Make a topic that only this test has, and return its name."""
        full = f"{name}-{self.ending}"
        topics.ensure(self.cluster, [topics.Topic(name=full, partitions=partitions, replication_factor=1)])
        return full

    def run(self, *arguments: str, given: bytes | str = b"", expect: int | None = 0) -> Result:
        """Call the command line in this process; ``expect`` is the exit status that it must have, None allows any."""
        command = [*arguments, "--settings", str(self.file)]
        handlers = logging.getLogger().handlers[:]
        try:
            result = CliRunner().invoke(cli, command, input=given)
        finally:
            logging.getLogger().handlers[:] = handlers
        assert expect in {None, result.exit_code}, f"{shlex.join(command)}: {result.exit_code}\n{result.output}"
        return result

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Call a command with ``--format json`` and return its lines."""
        result = self.run(*arguments, "--format", "json")
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def make_installation(broker_settings: Settings, tmp_path: Path) -> Callable[[], Installation]:
    """A factory of installations on the session's broker."""

    def make(**overrides: object) -> Installation:
        ending = uuid.uuid4().hex[:8]
        found = settings.load(
            overrides={
                "topics.prefix": f"p{ending}",
                "topics.partitions": 2,
                "kafka.external.bootstrap_servers": broker_settings.kafka.external.bootstrap_servers,
                **overrides,
            }
        )
        file = tmp_path / f"settings-{ending}.yaml"
        settings.write(found, file)
        return Installation(found, file, ending)

    return make


@pytest.fixture
def installation(make_installation: Callable[[], Installation]) -> Installation:
    """An installation on the session's broker."""
    return make_installation()
