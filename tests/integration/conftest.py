"""What the tests against a real broker share: one broker for the run, and an installation of its own for each test."""

from __future__ import annotations

import json
import logging
import shlex
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from penstock import settings, topics
from penstock.cli.__main__ import cli
from tests import brokers
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings


@pytest.fixture(scope="session")
def session_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Broker]:
    """A broker that runs for the whole session, on free ports, in a folder of its own."""
    with brokers.running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="session")
def broker_settings(session_broker: brokers.Broker) -> Settings:
    """Settings whose clusters are that broker."""
    return session_broker.settings


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
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            # What a test's workers log, which are threads beside the command, is nothing that the command says.
            result = CliRunner(env={"PENSTOCK_LOGS__LEVEL": "ERROR"}).invoke(cli, command, input=given)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        assert expect in {None, result.exit_code}, f"{shlex.join(command)}: {result.exit_code}\n{result.output}"
        return result

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Call a command with ``--format json`` and return its lines."""
        result = self.run(*arguments, "--format", "json")
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def make_installation(session_broker: brokers.Broker, tmp_path: Path) -> Callable[[], Installation]:
    """A factory of installations on the session's broker.

    Workers' beats are far apart: who misses three counts as gone, which on a busy machine is soon done, and a sign that
    Kafka does not take within one is lost.
    """

    def make(**overrides: object) -> Installation:
        ending = uuid.uuid4().hex[:8]
        found = settings.load(
            overrides={
                "topics.prefix": f"p{ending}",
                "topics.partitions": 2,
                "control.apply_timeout_ms": 1000 * SOON_S,
                "control.heartbeat_ms": 60_000,
                **session_broker.reached,
                **overrides,
            }
        )
        file = tmp_path / f"settings-{ending}.yaml"
        settings.write(found, file)
        return Installation(found, file, ending)

    return make


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Flags for a command that is to find no broker, and soon."""
    monkeypatch.setenv("PENSTOCK_KAFKA__EXTERNAL__CONNECT_TIMEOUT_MS", "500")
    return ["--bootstrap-servers", "127.0.0.1:1"]


@pytest.fixture
def installation(make_installation: Callable[[], Installation]) -> Installation:
    """An installation on the session's broker."""
    return make_installation()
