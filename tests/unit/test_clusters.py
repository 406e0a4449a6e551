"""One cluster's settings, in the words of Python's and of Java's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from penstock.clusters import FLINK_SHADED_KAFKA, ClusterSettings

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = {
    "bootstrap_servers": "a:1,b:2",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "me",
    "sasl_password": 'quote " and \\ slash',
}


def test_plain_cluster_needs_only_its_address() -> None:
    """Without security nothing of security is passed on."""
    cluster = ClusterSettings(bootstrap_servers="a:1,b:2")

    assert cluster.python_client() == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
        "bootstrap_timeout_ms": 5000,
        "request_timeout_ms": 30000,
    }
    assert cluster.java_properties() == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "PLAINTEXT",
        "request.timeout.ms": "30000",
    }


def test_login_reaches_the_python_client(tmp_path: Path) -> None:
    """Mechanism, user, password and authorities arrive under kafka-python's names."""
    options = ClusterSettings.model_validate({**LOGIN, "ssl_ca_file": tmp_path / "ca.pem"}).python_client()

    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("me", LOGIN["sasl_password"])
    assert (options["ssl_cafile"], options["ssl_check_hostname"]) == (str(tmp_path / "ca.pem"), True)


@pytest.mark.parametrize("packages", ["org.apache.kafka", FLINK_SHADED_KAFKA])
def test_login_reaches_java_clients(packages: str) -> None:
    """The log-in module is that of the client's own copy of Kafka; quotes in a password cannot break out."""
    properties = ClusterSettings.model_validate(LOGIN).java_properties(packages)

    assert properties["sasl.jaas.config"] == (
        f'{packages}.common.security.scram.ScramLoginModule required username="me" password="quote \\" and \\\\ slash";'
    )


def test_certificates_reach_java_clients_as_text(tmp_path: Path) -> None:
    """A worker on another machine needs no copy of the files."""
    names = ("ca", "certificate", "key")
    for name in names:
        (tmp_path / name).write_text(f"the {name}", encoding="ascii")
    cluster = ClusterSettings(
        security_protocol="SSL",
        ssl_ca_file=tmp_path / "ca",
        ssl_certificate_file=tmp_path / "certificate",
        ssl_key_file=tmp_path / "key",
        ssl_key_password="secret",
        ssl_check_hostname=False,
    )

    properties = cluster.java_properties()

    assert properties["ssl.truststore.certificates"] == "the ca"
    assert properties["ssl.keystore.certificate.chain"] == "the certificate"
    assert (properties["ssl.keystore.key"], properties["ssl.key.password"]) == ("the key", "secret")
    assert properties["ssl.endpoint.identification.algorithm"] == ""
    assert cluster.python_client()["ssl_password"] == "secret"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"security_protocol": "SASL_SSL"},
            "security_protocol SASL_SSL needs sasl_mechanism, sasl_username, sasl_password",
        ),
        ({"ssl_key_file": "key"}, "ssl_certificate_file and ssl_key_file go together"),
        ({"sasl_mechanism": "PLIAN"}, "'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    ],
)
def test_half_a_login_is_refused(given: dict[str, str], message: str) -> None:
    """What belongs together must be given together."""
    with pytest.raises(ValidationError, match=message):
        ClusterSettings.model_validate(given)
