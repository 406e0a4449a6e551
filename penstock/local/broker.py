"""The embedded Kafka broker: one node that is broker and controller (KRaft), made for one machine."""

from __future__ import annotations

import base64
import subprocess
import uuid
from typing import TYPE_CHECKING

from penstock.local import versions
from penstock.local.waiting import failed

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["PROGRAM", "command", "format_storage", "server_properties", "write_configuration"]

PROGRAM = "kafka"
_MIB = 1024 * 1024
_NODE_ID = 1
_FORMAT_TIMEOUT_S = 180
#: Few records wait for clean-up here, so the cleaner's share of the heap can be small; Kafka's default is 128 MiB.
_CLEANER_BUFFER = 16 * _MIB
#: Retention deletes whole segments: with the default of 1 GiB a small limit would never bite.
_SEGMENT = 64 * _MIB
#: Kafka's defaults, 50 each, make a first start slow and serve clusters with thousands of groups.
_OFFSETS_PARTITIONS = 8
_TRANSACTIONS_PARTITIONS = 8


def server_properties(settings: Settings, layout: Layout) -> dict[str, str]:
    """Return the broker's configuration."""
    local = settings.local
    clients = f"PLAINTEXT://{local.host}:{local.kafka_port}"
    largest = settings.limits.max_dead_letter_bytes + settings.limits.batch_overhead_bytes
    return {
        "process.roles": "broker,controller",
        "node.id": str(_NODE_ID),
        "controller.quorum.bootstrap.servers": f"{local.host}:{local.kafka_controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{clients},CONTROLLER://{local.host}:{local.kafka_controller_port}",
        "advertised.listeners": clients,
        "log.dirs": str(_data(layout)),
        # A topic that nobody declared is a spelling mistake.
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(largest),
        "replica.fetch.max.bytes": str(largest),
        "log.retention.bytes": str(local.kafka_log_retention_mb * _MIB),
        "log.segment.bytes": str(_SEGMENT),
        "log.cleaner.dedupe.buffer.size": str(_CLEANER_BUFFER),
        "transaction.max.timeout.ms": str(settings.flink.transaction_timeout_ms),
        # Nobody else comes: a group need not wait for more members.
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": str(_OFFSETS_PARTITIONS),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": str(_TRANSACTIONS_PARTITIONS),
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }


def write_configuration(settings: Settings, layout: Layout) -> None:
    """Write the broker's configuration into the state folder."""
    lines = (f"{name}={value}\n" for name, value in server_properties(settings, layout).items())
    _properties_file(layout).write_text("".join(lines), encoding="utf-8")


def format_storage(settings: Settings, layout: Layout) -> bool:
    """Prepare an empty data folder for its first start; False if it was prepared before.

    Raises:
        StackError: the storage tool refused, or did not end in time.
    """
    if (_data(layout) / "meta.properties").is_file():
        return False
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
    # In one word: an id may begin with a dash.
    arguments = ("format", "--standalone", f"--cluster-id={cluster_id}", "-c", str(_properties_file(layout)))
    log = layout.log("kafka-format")
    with log.open("w", encoding="utf-8") as output:
        try:
            answer = subprocess.run(  # noqa: S603 - Kafka's own tool
                [versions.java(), "-cp", _class_path(settings), "kafka.tools.StorageTool", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_FORMAT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            advice = f"Kafka did not prepare its data folder within {_FORMAT_TIMEOUT_S} s; is this machine very busy?"
            raise failed("Kafka's storage", log, advice) from error
    if answer.returncode != 0:
        raise failed("Kafka's storage", log, "Kafka could not prepare its data folder")
    return True


def command(settings: Settings, layout: Layout) -> list[str]:
    """Return the command that runs the broker until it is ended."""
    heap = f"{settings.local.kafka_heap_mb}m"
    return [
        versions.java(),
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Djava.io.tmpdir={layout.tmp}",
        # Its usual words are a line for every segment of every partition.
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils.AppInfoParser=info",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
        "-cp",
        _class_path(settings),
        "kafka.Kafka",
        str(_properties_file(layout)),
    ]


def _class_path(settings: Settings) -> str:
    return str(settings.local.jars_dir / "kafka" / "*")


def _data(layout: Layout) -> Path:
    return layout.data / "kafka"


def _properties_file(layout: Layout) -> Path:
    return layout.conf / "server.properties"
