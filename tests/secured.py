"""A broker that insists: log-ins over TLS on one listener, client certificates on another."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme
from cryptography.hazmat.primitives import serialization

from penstock import kafka
from penstock.clusters import ClusterSettings
from penstock.local import versions
from penstock.local.waiting import log_tail, wait_until
from penstock.testing.ports import free_ports
from tests.patience import CONNECT_MS, SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PASSWORDS", "USER", "Broker", "properties_text", "running"]

POLL_S = 0.2
USER = "penstock"
#: The storage tool, which makes the user of SCRAM, does not know how to unquote.
PASSWORDS = {"PLAIN": 'a "quoted" pass\\word', "SCRAM-SHA-512": "plain-password"}


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
                "connect_timeout_ms": CONNECT_MS,
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
            connect_timeout_ms=CONNECT_MS,
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
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }


def properties_text(properties: dict[str, str]) -> str:
    """Write properties as Java reads them."""

    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n")

    return "".join(f"{name}={escaped(value)}\n" for name, value in properties.items())


@contextmanager
def running(folder: Path, jars: Path) -> Iterator[Broker]:
    """Start the broker with its files in ``folder``, and end it."""
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
        assert wait_until(lambda: listens() and kafka.available(found.login()), 2 * SOON_S, POLL_S), log_tail(log)
        yield found
    finally:
        process.kill()
        process.wait()
