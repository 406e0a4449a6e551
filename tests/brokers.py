"""A broker of a test's own, which can be killed and started again."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import kafka, settings, topics
from penstock.control import history
from penstock.control.models import ModelsTopic
from penstock.control.publisher import publish
from penstock.local import broker
from penstock.local.layout import Layout
from penstock.models.repository import read_folder
from penstock.testing.ports import free_ports
from tests import servers
from tests.patience import CONNECT_MS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from penstock.settings import Settings

__all__ = ["Broker", "running", "with_document", "with_models"]

SAMPLES = Path(__file__).parents[1] / "models"


class Broker(servers.Server):
    """The embedded stack's broker without the stack; its files are in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("broker")
        kafka_port, controller_port = free_ports(2)
        self.settings: Settings = settings.load(
            overrides={
                "local.state_dir": str(folder),
                "local.kafka_port": kafka_port,
                "local.kafka_controller_port": controller_port,
                "local.kafka_heap_mb": 256,
                "kafka.external.bootstrap_servers": "",
                "kafka.external.connect_timeout_ms": CONNECT_MS,
            }
        )
        self._layout = Layout.of(self.settings)
        self._layout.make()
        broker.write_configuration(self.settings, self._layout)
        broker.format_storage(self.settings, self._layout)

    @property
    def reached(self) -> dict[str, object]:
        """Settings of those who use it, by their names: where it is, and patience with it."""
        cluster = self.settings.kafka.external
        return {
            "kafka.external.bootstrap_servers": cluster.bootstrap_servers,
            "kafka.external.connect_timeout_ms": cluster.connect_timeout_ms,
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""

        def answers() -> bool:
            # The client leaks a socket for each refused connection, so it is called when somebody listens.
            with socket.socket() as probe:
                listens = probe.connect_ex((self.settings.local.host, self.settings.local.kafka_port)) == 0
            return listens and kafka.available(self.settings.kafka.external)

        command = broker.command(self.settings, self._layout)
        self.run(command, self._layout.log(broker.PROGRAM), answers)


def running(folder: Path) -> AbstractContextManager[Broker]:
    """Run a broker with its files in a folder."""
    return servers.running(Broker(folder))


def with_document(found: Settings, text: str | None = None) -> Settings:
    """See that an installation has a routing document in force: by default the one of its file; return it."""
    topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
    if history.current(found) is None:
        publish(found, found.routing_file.read_text(encoding="utf-8") if text is None else text)
    return found


def with_models(found: Settings, folder: Path = SAMPLES) -> Settings:
    """See that an installation has the models of a folder: by default the samples; return it."""
    topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
    with ModelsTopic(found) as topic:
        for descriptor in read_folder(folder):
            topic.register(descriptor)
    return found
