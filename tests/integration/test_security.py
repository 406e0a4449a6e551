"""Security settings against a broker that insists: log-ins and certificates, from Python, Java and Flink."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from penstock import kafka, settings, topics
from penstock.clusters import FLINK_SHADED_KAFKA, ClusterSettings
from penstock.errors import KafkaUnavailableError
from penstock.local import versions
from penstock.local.waiting import log_tail, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)

UP_S = 60
POLL_S = 0.2
USER = "penstock"
#: The storage tool, which makes the user of SCRAM, does not know how to unquote.
PASSWORDS = {"PLAIN": 'a "quoted" pass\\word', "SCRAM-SHA-512": "plain-password"}

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


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker with a listener for log-ins over TLS and one for client certificates; its files are in ``folder``."""

    folder: Path
    login_port: int
    certificate_port: int

    def login(self, mechanism: str = "PLAIN", **changes: object) -> ClusterSettings:
        """Settings for the listener that asks for a log-in."""
        return ClusterSettings.model_validate(
            {
                "bootstrap_servers": f"localhost:{self.login_port}",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": mechanism,
                "sasl_username": USER,
                "sasl_password": PASSWORDS[mechanism],
                "ssl_ca_file": self.folder / "ca.pem",
                "connect_timeout_ms": 10_000,
                **changes,
            }
        )

    def certificate(self) -> ClusterSettings:
        """Settings for the listener that asks for a client's certificate."""
        return ClusterSettings(
            bootstrap_servers=f"localhost:{self.certificate_port}",
            security_protocol="SSL",
            ssl_ca_file=self.folder / "ca.pem",
            ssl_certificate_file=self.folder / "client.pem",
            ssl_key_file=self.folder / "client.key",
        )


def write_certificates(folder: Path) -> None:
    """Write an authority, and certificates of it for server and client; Java reads PKCS#8 keys only."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, identity in (("server", "localhost"), ("client", "client.test")):
        leaf = authority.issue_cert(identity)
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), password=None)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        (folder / f"{name}.key").write_bytes(pem)
        (folder / f"{name}.pem").write_bytes(chain)
    (folder / "server.keystore.pem").write_bytes(
        (folder / "server.key").read_bytes() + (folder / "server.pem").read_bytes()
    )


def server_properties(folder: Path, ports: list[int]) -> dict[str, str]:
    """A broker that nobody reaches without log-in or certificate."""
    login, certificate, inner, controller = ports
    quoted = PASSWORDS["PLAIN"].replace("\\", "\\\\").replace('"', '\\"')
    plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{quoted}";'
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"localhost:{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INNER",
        "listeners": f"LOGIN://localhost:{login},CERTIFICATE://localhost:{certificate},"
        f"INNER://localhost:{inner},CONTROLLER://localhost:{controller}",
        "listener.security.protocol.map": "LOGIN:SASL_SSL,CERTIFICATE:SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.login.plain.sasl.jaas.config": plain,
        "listener.name.login.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.certificate.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.keystore.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
    }


def properties_text(properties: dict[str, str]) -> str:
    """Write properties as Java reads them."""

    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n")

    return "".join(f"{name}={escaped(value)}\n" for name, value in properties.items())


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def jars() -> Path:
    """The folder that Maven filled."""
    return settings.load().local.jars_dir


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[Broker]:
    """A broker that insists on security, for all tests of this module."""
    folder = tmp_path_factory.mktemp("secure")
    write_certificates(folder)
    ports = free_ports(4)
    file, log = folder / "server.properties", folder / "kafka.log"
    file.write_text(properties_text(server_properties(folder, ports)), encoding="utf-8")
    java = [versions.java(), "-Xmx256m", "-cp", str(jars / "kafka" / "*")]
    scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORDS['SCRAM-SHA-512']}]"
    storage = ["format", "--standalone", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(file), "--add-scram", scram]
    with log.open("wb") as output:
        subprocess.run([*java, "kafka.tools.StorageTool", *storage], stdout=output, stderr=output, check=True)
        process = subprocess.Popen([*java, "kafka.Kafka", str(file)], stdout=output, stderr=output)
    found = Broker(folder, ports[0], ports[1])

    def listens() -> bool:
        assert process.poll() is None, log_tail(log)
        with socket.socket() as probe:
            return probe.connect_ex(("localhost", found.login_port)) == 0

    try:
        assert wait_until(lambda: listens() and kafka.available(found.login()), UP_S, POLL_S), log_tail(log)
        yield found
    finally:
        process.kill()
        process.wait()


def round_trip(cluster: ClusterSettings) -> list[bytes]:
    """Make a topic, write a record, read it back."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    topics.ensure(cluster, [topics.Topic(name=name, partitions=1, replication_factor=1)])
    producer = kafka.producer(cluster)
    producer.send(name, b"hello").get(timeout=30)
    producer.close()
    consumer = kafka.consumer(cluster, name, auto_offset_reset="earliest", consumer_timeout_ms=10_000)
    try:
        return [next(consumer).value]
    finally:
        consumer.close()


def java_answer(cluster: ClusterSettings, packages: str, jars: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """List the topics with a Java client whose Kafka classes are in ``packages``."""
    (folder / "Probe.java").write_text(PROBE.replace("PACKAGES", packages), encoding="utf-8")
    (folder / "client.properties").write_text(properties_text(cluster.java_properties(packages)), encoding="utf-8")
    class_path = os.pathsep.join(str(jar) for jar in sorted(jars.rglob("*.jar")))
    command = [versions.java(), "-cp", class_path, str(folder / "Probe.java"), str(folder / "client.properties")]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_python_logs_in(broker: Broker, mechanism: str) -> None:
    """Admin, producer and consumer are let in and reach their data."""
    assert round_trip(broker.login(mechanism)) == [b"hello"]


def test_python_shows_its_certificate(broker: Broker) -> None:
    """Without a user, a certificate that the broker's authority signed opens the door."""
    assert round_trip(broker.certificate()) == [b"hello"]


@pytest.mark.parametrize("packages", ["org.apache.kafka", FLINK_SHADED_KAFKA], ids=["plain", "flink"])
@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512", "certificate"])
def test_java_clients_get_in(broker: Broker, jars: Path, tmp_path: Path, packages: str, way: str) -> None:
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
def test_refusal_is_one_error_with_its_cause(broker: Broker, changes: dict[str, object], cause: str) -> None:
    """What the broker dislikes is in the one error for a Kafka that cannot be used, after a bounded time."""
    cluster = broker.login(**changes, connect_timeout_ms=3_000)

    with pytest.raises(KafkaUnavailableError, match=rf"localhost:{broker.login_port}.*{cause}"):
        kafka.admin(cluster)
