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


KERBEROS = {
    "bootstrap_servers": "a:1",
    "security_protocol": "SASL_PLAINTEXT",
    "more_java": {
        "sasl.mechanism": "GSSAPI",
        "sasl.kerberos.service.name": "kafka",
        "sasl.login.callback.handler.class": "org.apache.kafka.common.security.Some, my.org.apache.kafka.Other",
    },
    "more_python": {"sasl_mechanism": "GSSAPI", "sasl_kerberos_service_name": "kafka", "client_dns_lookup": True},
}


def test_a_login_that_penstock_does_not_know_is_passed_on() -> None:
    """Each client gets its own words, unread; numbers and truth stay what they are."""
    cluster = ClusterSettings.model_validate(KERBEROS)

    assert cluster.java_properties() == {
        "bootstrap.servers": "a:1",
        "security.protocol": "SASL_PLAINTEXT",
        "request.timeout.ms": "30000",
        **KERBEROS["more_java"],
    }
    assert cluster.python_client().items() >= KERBEROS["more_python"].items()


def test_classes_of_kafka_are_named_as_the_client_has_them() -> None:
    """Flink's client is a renamed copy; who names a class need not know that. Other classes keep their names."""
    handler = ClusterSettings.model_validate(KERBEROS).java_properties(FLINK_SHADED_KAFKA)

    assert handler["sasl.login.callback.handler.class"] == (
        f"{FLINK_SHADED_KAFKA}.common.security.Some, my.org.apache.kafka.Other"
    )
    again = ClusterSettings(more_java={"a": f"{FLINK_SHADED_KAFKA}.Some"}).java_properties(FLINK_SHADED_KAFKA)
    assert again["a"] == f"{FLINK_SHADED_KAFKA}.Some"


def test_further_properties_win_over_settings() -> None:
    """They are the last word on what a client is told."""
    cluster = ClusterSettings(
        security_protocol="SSL", more_java={"ssl.truststore.type": "JKS"}, more_python={"ssl_check_hostname": False}
    )

    assert cluster.java_properties()["ssl.truststore.type"] == "JKS"
    assert cluster.python_client()["ssl_check_hostname"] is False


def test_clusters_are_keys() -> None:
    """Tools ask each cluster once, by what it is; properties among its settings change nothing about that."""
    same = [ClusterSettings.model_validate(KERBEROS) for _ in range(2)]
    other = ClusterSettings(
        bootstrap_servers="a:1",
        more_python={"sasl_kerberos_name": "a", "sasl_mechanism": "GSSAPI"},
        more_java={"sasl.mechanism": "GSSAPI"},
    )

    assert len(dict.fromkeys([*same, other])) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"security_protocol": "SASL_SSL"},
            "security_protocol SASL_SSL needs sasl_mechanism, sasl_username, sasl_password",
        ),
        ({"ssl_key_file": "key"}, "ssl_certificate_file and ssl_key_file go together"),
        ({"more_java": {"sasl.mechanism": "GSSAPI"}}, "a log-in of your own needs 'sasl.mechanism' in more_java and"),
        ({"more_python": {"acks": 0}}, "more_java and more_python cannot set acks: Penstock does"),
        ({"more_java": {"group.id": "a", "isolation.level": "b"}}, "cannot set group.id, isolation.level"),
        ({"more_python": {"security_protocol": "SSL"}}, "cannot set security_protocol"),
        ({"sasl_mechanism": "PLIAN"}, "'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    ],
)
def test_half_a_login_is_refused(given: dict[str, str], message: str) -> None:
    """What belongs together must be given together."""
    with pytest.raises(ValidationError, match=message):
        ClusterSettings.model_validate(given)
