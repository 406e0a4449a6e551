"""How to reach one Kafka cluster, said once and handed to Python and Java clients in their own words."""

from __future__ import annotations

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
    connect_timeout_ms: Annotated[int, Field(gt=0)] = 5_000
    """How long a command waits for the first contact before it says that Kafka is not there, in milliseconds."""
    request_timeout_ms: Annotated[int, Field(gt=0)] = 30_000
    """How long a client waits for the answer to a request, in milliseconds."""

    @model_validator(mode="after")
    def _login_is_whole(self) -> ClusterSettings:
        if self.uses_sasl:
            needed = ("sasl_mechanism", "sasl_username", "sasl_password")
            absent = [name for name in needed if getattr(self, name) is None]
            if absent:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(absent)}")
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_certificate_file and ssl_key_file go together: give both or neither")
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
        if self.uses_sasl:
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
        return options

    def java_properties(self, packages: str = "org.apache.kafka") -> dict[str, str]:
        """Return the properties that a Java client takes.

        ``packages`` is where that client's Kafka classes live; Flink's connector needs ``FLINK_SHADED_KAFKA``.
        Certificates and keys go in as text, so that a worker on another machine needs no copy of the files.
        """
        properties = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": str(self.security_protocol),
            "request.timeout.ms": str(self.request_timeout_ms),
        }
        if self.uses_sasl:
            properties["sasl.mechanism"] = str(self.sasl_mechanism)
            properties["sasl.jaas.config"] = self._jaas(packages)
        if self.uses_ssl:
            properties.update(self._java_stores())
        return properties

    def _jaas(self, packages: str) -> str:
        if self.sasl_mechanism is None or self.sasl_username is None:
            return ""  # ruled out by the validator; spelled out for the type checker
        module = f"{packages}.{_LOGIN_MODULES[self.sasl_mechanism]}"
        user, password = (_jaas_quoted(text) for text in (self.sasl_username, _revealed(self.sasl_password)))
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
