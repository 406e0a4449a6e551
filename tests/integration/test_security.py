"""Security settings against a broker that insists: log-ins and certificates, from Python, Java and Flink."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from penstock import kafka, settings, topics
from penstock.clusters import FLINK_SHADED_KAFKA, ClusterSettings
from penstock.errors import KafkaUnavailableError
from penstock.local import versions
from tests import secured
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Lists topics with the client whose classes are in the package that is put in; run from source.
PROBE = """
import java.io.*; import java.util.*;
import PACKAGES.clients.admin.Admin;
public class Probe {
  public static void main(String[] files) throws Exception {
    Properties properties = new Properties();
    try (Reader reader = new FileReader(files[0])) { properties.load(reader); }
    try (Admin admin = Admin.create(properties)) { System.out.println(admin.listTopics().names().get()); }
  }
}
"""

#: A client tries again for all of its time, so that is short; a broker on a busy machine may not answer in it.
_SHORT_MS, _ATTEMPTS = 3_000, 6


@pytest.fixture(scope="module")
def jars() -> Path:
    """The folder that Maven filled."""
    return settings.load().local.jars_dir


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[secured.Broker]:
    """A broker that insists on security, for all tests of this module."""
    with secured.running(tmp_path_factory.mktemp("secure"), jars) as found:
        yield found


def round_trip(cluster: ClusterSettings) -> list[bytes]:
    """Make a topic, write a record, read it back."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    topics.ensure(cluster, [topics.Topic(name=name, partitions=1, replication_factor=1)])
    producer = kafka.producer(cluster)
    producer.send(name, b"hello").get(timeout=SOON_S)
    producer.close()
    consumer = kafka.consumer(cluster, name, auto_offset_reset="earliest", consumer_timeout_ms=1000 * SOON_S)
    try:
        return [next(consumer).value]
    finally:
        consumer.close()


def java_answer(cluster: ClusterSettings, packages: str, jars: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """List the topics with a Java client whose Kafka classes are in ``packages``."""
    (folder / "Probe.java").write_text(PROBE.replace("PACKAGES", packages), encoding="utf-8")
    (folder / "client.properties").write_text(
        secured.properties_text(cluster.java_properties(packages)), encoding="utf-8"
    )
    class_path = os.pathsep.join(str(jar) for name in ("flink", "kafka") for jar in sorted((jars / name).glob("*.jar")))
    command = [versions.java(), "-cp", class_path, str(folder / "Probe.java"), str(folder / "client.properties")]
    return subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_python_logs_in(broker: secured.Broker, mechanism: str) -> None:
    """Admin, producer and consumer are let in and reach their data."""
    assert round_trip(broker.login(mechanism)) == [b"hello"]


def test_python_shows_its_certificate(broker: secured.Broker) -> None:
    """Without a user, a certificate that the broker's authority signed opens the door."""
    assert round_trip(broker.certificate()) == [b"hello"]


@pytest.mark.parametrize("packages", ["org.apache.kafka", FLINK_SHADED_KAFKA], ids=["plain", "flink"])
@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512", "certificate"])
def test_java_clients_get_in(broker: secured.Broker, jars: Path, tmp_path: Path, packages: str, way: str) -> None:
    """The same settings serve an ordinary Java client and the renamed one in Flink's connector."""
    cluster = broker.certificate() if way == "certificate" else broker.login(way)

    answer = java_answer(cluster, packages, jars, tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("[")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        pytest.param({"sasl_password": "wrong"}, "Invalid username or password", id="wrong password"),
        pytest.param({"ssl_ca_file": None}, "certificate verify failed", id="unknown authority"),
        pytest.param({"security_protocol": "PLAINTEXT"}, "(InvalidReceiveError|socket disconnected)", id="plaintext"),
    ],
)
def test_refusal_is_one_error_with_its_cause(broker: secured.Broker, changes: dict[str, object], cause: str) -> None:
    """What the broker dislikes is in the one error for a Kafka that cannot be used, after a bounded time."""
    for attempt in range(_ATTEMPTS):
        with pytest.raises(KafkaUnavailableError, match=f"localhost:{broker.login_port}") as caught:
            kafka.admin(broker.login(**changes, connect_timeout_ms=_SHORT_MS * 2**attempt))
        if re.search(cause, str(caught.value)):
            return
    pytest.fail(f"of {cause!r} nothing was told: {caught.value}")
