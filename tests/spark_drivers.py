"""The Spark job's driver as a process of a test's own, with an installation to score for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from kafka import TopicPartition

from penstock import kafka, topics
from penstock.control.publisher import publish
from penstock.control.watching import workers
from penstock.local.waiting import log_tail, wait_until
from penstock.models.repository import read_folder
from penstock.testing import builders
from tests import servers
from tests.brokers import SAMPLES, with_models
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from penstock.settings import Settings

__all__ = ["NOW_MS", "Driver", "Record", "document", "prepared", "read", "send"]

#: Java, Spark and the first model, on a machine that has other things to do.
_UP_S = 2 * SOON_S
_POLL_S = 0.1
#: Of all events: another than that of any hop, and no older than topics keep records.
NOW_MS = int(time.time() * 1000) - 60_000
SENTIMENT = SAMPLES / "sentiment"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    timestamp_ms: int
    partition: int


class Driver(servers.Server):
    """A driver in a process of its own."""

    def __init__(self, settings_file: Path, found: Settings, log: Path) -> None:
        super().__init__("Spark driver")
        self.settings = found
        self.log = log
        self._file = settings_file

    def start(self) -> None:
        """Start it, and wait until it reads."""
        begun = len(self.said)
        command = [sys.executable, "-m", "jobs.spark_job", "--settings", str(self._file)]
        self.run(command, self.log, lambda: " reading query=" in self.said[begun:], _UP_S)

    @property
    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    @property
    def pid(self) -> int:
        """Of its Python process."""
        assert self._process is not None
        return self._process.pid

    def ended(self) -> int:
        """Ask it to end, and return its exit status."""
        process = self._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=SOON_S)
        self._process = None
        return status

    def kill(self) -> None:
        """End it without a warning; its Java ends by itself."""
        if self._process is None:
            return
        try:
            java = [each for each in psutil.Process(self.pid).children(recursive=True) if each.name() == "java"]
        except psutil.NoSuchProcess:
            java = []
        super().kill()
        _, left = psutil.wait_procs(java, timeout=SOON_S)
        assert not left, "Java goes on without its driver"

    def awaited(self, text: str) -> None:
        """Wait until its log says this."""
        assert wait_until(lambda: text in self.said, SOON_S, _POLL_S), f"no {text!r}:\n{log_tail(self.log)}"


def refused(settings_file: Path) -> tuple[int, str]:
    """Run a driver that cannot begin; return its exit status and what it said."""
    command = [sys.executable, "-m", "jobs.spark_job", "--settings", str(settings_file)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False, env=dict(os.environ))
    return answer.returncode, answer.stderr


def document(version: int = 1, *models: str, **changes: Any) -> Any:
    """A document with a route for each of these models, which are job spark's."""
    names = models or ("sentiment",)
    routes = [builders.route(name, model=name, output={"topic": f"{name}-results"}) for name in names]
    return builders.document(
        version=version, routes=routes, models={name: {"job": "spark"} for name in names}, **changes
    )


def prepared(found: Settings, live: Any | None = None) -> Settings:
    """Have the sample model registered and a document in force; return the installation's settings."""
    topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
    with_models(found, SENTIMENT)
    live = live or document()
    publish(found, live.model_dump_json(exclude_none=True))
    topics.ensure(found.kafka.internal_cluster, topics.topics_for(live, found).internal)
    return found


def send(found: Settings, values: Iterable[bytes | None], model: str = "sentiment", **headers: str) -> int:
    """Write requests, dealt out over the partitions; return how many."""
    topic, count = topics.request_topic(found.topics.prefix, "spark", model), 0
    own = {"content-type": "application/json", "traceparent": "00-1", **headers}
    packed = [(name, text.encode()) for name, text in own.items()]
    with kafka.producer(found.kafka.internal_cluster, linger_ms=5) as producer:
        for count, value in enumerate(values, start=1):
            number = count - 1
            mine = [*packed, ("ce_id", str(number).encode())]
            partition = number % found.topics.partitions
            producer.send(topic, value, b"%d" % partition, headers=mine, partition=partition, timestamp_ms=NOW_MS)
    return count


def read(found: Settings, topic: str, count: int, *, patience_s: float = SOON_S) -> list[Record]:
    """Read a topic from its begin until there are so many records, and what else is there then."""
    return [*_read(found, topic, count, patience_s)]


def _read(found: Settings, topic: str, count: int, patience_s: float) -> Iterator[Record]:
    until, came = time.monotonic() + patience_s, 0
    with kafka.consumer(found.kafka.internal_cluster, auto_offset_reset="earliest", group_id=None) as consumer:
        places = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        # Not until a poll brings nothing: a broker that stands still does not, either.
        while came < count or not all(
            kafka.is_at(consumer, at, end) for at, end in consumer.end_offsets(places).items()
        ):
            assert time.monotonic() < until or came >= count, f"{came} of {count} records came on {topic}"
            for records in consumer.poll(500).values():
                for each in records:
                    came += 1
                    yield Record(each.key, each.value, dict(each.headers), each.timestamp, each.partition)


def ready(found: Settings) -> bool:
    """Whether a worker of the job has said that it is there."""
    return any(each.sign.deployable == "spark_job" for each in workers(found))


def golden() -> list[dict[str, Any]]:
    """The sample model's answers, as it was made."""
    import json

    folder = next(iter(read_folder(SENTIMENT)))
    lines = (SENTIMENT / str(folder.version) / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
