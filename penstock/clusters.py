"""How to reach one Kafka cluster, said once and handed to Python and Java clients in their own words."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

__all__ = ["FLINK_SHADED_KAFKA", "ClusterSettings", "SaslMechanism", "SecurityProtocol"]

#: Flink's SQL connector carries its own renamed copy of the Kafka client, login modules included.
FLINK_SHADED_KAFKA = "org.apache.flink.kafka.shaded.org.apache.kafka"


class SecurityProtocol(StrEnum):
    """What a listener speaks: encrypted or not, with a log-in or not."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How a client proves who it is."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


_LOGIN_MODULES = {
    SaslMechanism.PLAIN: "common.security.plain.PlainLoginModule",
    SaslMechanism.SCRAM_SHA_256: "common.security.scram.ScramLoginModule",
    SaslMechanism.SCRAM_SHA_512: "common.security.scram.ScramLoginModule",
}


#: What jobs and tools rely on, or has a setting of its own; in Kafka's words, which are Python's with underscores.
_OURS = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "batch.size",
        "bootstrap.servers",
        "compression.type",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.idempotence",
        "group.id",
        "isolation.level",
        "linger.ms",
        "max.request.size",
        "request.timeout.ms",
        "security.protocol",
        "transaction.timeout.ms",
        "transactional.id",
    }
)
#: The names of Kafka's own classes, wherever they stand in a value.
_KAFKAS_CLASSES = re.compile(r"(?<![\w.])org\.apache\.kafka(?=\.)")


class ClusterSettings(BaseModel):
    """One Kafka cluster: its address and what it asks of a client."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    bootstrap_servers: str = ""
    """Brokers to ask first, `host:port`, separated by commas. Empty: the embedded broker, which is then started."""
    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    """What the brokers' listener speaks: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: SaslMechanism | None = None
    """How to log in where the protocol is SASL_*: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str | None = None
    """User name for the log-in."""
    sasl_password: SecretStr | None = None
    """Password for the log-in; better given as an environment variable than in a file."""
    ssl_ca_file: Path | None = None
    """PEM file of the authorities that may have signed the brokers' certificates. Unset: those the machine trusts."""
    ssl_certificate_file: Path | None = None
    """PEM file of the client's own certificate, with its chain, where brokers ask for one."""
    ssl_key_file: Path | None = None
    """PEM file of the client certificate's private key (PKCS#8: Java reads no other form)."""
    ssl_key_password: SecretStr | None = None
    """Password of the private key, if it has one."""
    ssl_check_hostname: bool = True
    """Whether a broker's certificate must name the host that was asked for."""
    more_java: dict[str, SecretStr] = {}
    """Further properties of the Java clients, which are Flink's and the Spark job's, in Kafka's words:
    `sasl.mechanism: OAUTHBEARER`. They win over what the settings above come to."""
    more_python: dict[str, bool | int | float | SecretStr] = {}
    """The same for the Python clients, which are the commands' and the workers' for control topics, in kafka-python's
    words: `sasl_mechanism: GSSAPI`."""
    connect_timeout_ms: Annotated[int, Field(gt=0)] = 5_000
    """How long a command waits for the first contact before it says that Kafka is not there, in milliseconds."""
    request_timeout_ms: Annotated[int, Field(gt=0)] = 30_000
    """How long a client waits for the answer to a request, in milliseconds; Python's for a further connection, too."""

    def __hash__(self) -> int:
        """Clusters are keys of dictionaries; two that are equal have the same address."""
        return hash(self.bootstrap_servers)

    @model_validator(mode="after")
    def _login_is_whole(self) -> ClusterSettings:
        own = ("sasl.mechanism" in self.more_java, "sasl_mechanism" in self.more_python)
        if any(own) and not all(own):
            raise ValueError(
                "a log-in of your own needs 'sasl.mechanism' in more_java and 'sasl_mechanism' in more_python"
            )
        if self.uses_sasl and not any(own):
            needed = ("sasl_mechanism", "sasl_username", "sasl_password")
            absent = [name for name in needed if getattr(self, name) is None]
            if absent:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(absent)}")
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_certificate_file and ssl_key_file go together: give both or neither")
        return self

    @model_validator(mode="after")
    def _further_ones_are_free(self) -> ClusterSettings:
        given = (*self.more_java, *self.more_python)
        taken = sorted(name for name in given if name.replace("_", ".") in _OURS)
        if taken:
            raise ValueError(f"more_java and more_python cannot set {', '.join(taken)}: Penstock does, leave it out")
        return self

    @property
    def uses_sasl(self) -> bool:
        """Whether a client logs in."""
        return self.security_protocol in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}

    @property
    def uses_ssl(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}

    def python_client(self) -> dict[str, object]:
        """Return the keyword arguments that kafka-python's clients take."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": str(self.security_protocol),
            "bootstrap_timeout_ms": self.connect_timeout_ms,
            "request_timeout_ms": self.request_timeout_ms,
        }
        if self.uses_sasl and self.sasl_mechanism is not None:
            options["sasl_mechanism"] = str(self.sasl_mechanism)
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = _revealed(self.sasl_password)
        if self.uses_ssl:
            options["ssl_check_hostname"] = self.ssl_check_hostname
            files = {
                "ssl_cafile": self.ssl_ca_file,
                "ssl_certfile": self.ssl_certificate_file,
                "ssl_keyfile": self.ssl_key_file,
            }
            options.update({name: str(path) for name, path in files.items() if path is not None})
            if self.ssl_key_password is not None:
                options["ssl_password"] = _revealed(self.ssl_key_password)
        further = self.more_python.items()
        return options | {name: _revealed(one) if isinstance(one, SecretStr) else one for name, one in further}

    def java_properties(self, packages: str = "org.apache.kafka") -> dict[str, str]:
        """Return the properties that a Java client takes.

        ``packages`` is where that client's Kafka classes live; Flink's connector needs ``FLINK_SHADED_KAFKA``.
        Certificates and keys go in as text, so that a worker on another machine needs no copy of the files. Kafka's
        classes may be named as Kafka's documentation has them: those names are changed here, too.
        """
        properties = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": str(self.security_protocol),
            "request.timeout.ms": str(self.request_timeout_ms),
        }
        if self.uses_sasl and self.sasl_mechanism is not None:
            properties["sasl.mechanism"] = str(self.sasl_mechanism)
            properties["sasl.jaas.config"] = self._jaas(packages, self.sasl_mechanism)
        if self.uses_ssl:
            properties.update(self._java_stores())
        further = self.more_java.items()
        return properties | {name: _KAFKAS_CLASSES.sub(packages, _revealed(one)) for name, one in further}

    def _jaas(self, packages: str, mechanism: SaslMechanism) -> str:
        module = f"{packages}.{_LOGIN_MODULES[mechanism]}"
        user, password = (_jaas_quoted(text) for text in (self.sasl_username or "", _revealed(self.sasl_password)))
        return f"{module} required username={user} password={password};"

    def _java_stores(self) -> dict[str, str]:
        stores: dict[str, str] = {}
        if not self.ssl_check_hostname:
            stores["ssl.endpoint.identification.algorithm"] = ""
        if self.ssl_ca_file is not None:
            stores["ssl.truststore.type"] = "PEM"
            stores["ssl.truststore.certificates"] = self.ssl_ca_file.read_text(encoding="utf-8")
        if self.ssl_certificate_file is not None and self.ssl_key_file is not None:
            stores["ssl.keystore.type"] = "PEM"
            stores["ssl.keystore.certificate.chain"] = self.ssl_certificate_file.read_text(encoding="utf-8")
            stores["ssl.keystore.key"] = self.ssl_key_file.read_text(encoding="utf-8")
            if self.ssl_key_password is not None:
                stores["ssl.key.password"] = _revealed(self.ssl_key_password)
        return stores


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _jaas_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
