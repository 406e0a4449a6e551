"""The sections of the settings that belong to one scoring job each: the Spark job, the service job and its server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Secret, model_validator

from penstock.sections import Positive, Section, Worded

__all__ = ["FetchSettings", "ModelServerSettings", "ServerSettings", "ServiceSettings", "SparkSettings", "TlsSettings"]

#: Of Spark itself: the shortest batch in real time (spark.sql.streaming.realTimeMode.minBatchDuration).
_LEAST_REAL_TIME_MS = 5_000
#: Its own default.
_REAL_TIME_MS = 300_000

_HOST = r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"
#: From 1 to 65,535.
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
Endpoint = Annotated[
    str, Worded(rf"({_HOST}):({_PORT})", "host:port without a scheme, as 'serving-1.example:9000'; ports end at 65535")
]
ServerName = Annotated[
    str,
    Field(max_length=40),
    Worded(
        r"[a-z0-9][a-z0-9_-]*", "a name of lower-case letters, digits, '-' and '_' that begins with none of the two"
    ),
]
#: gRPC takes lower case only, and HTTP does not care.
MetadataKey = Annotated[str, Worded(r"[a-z0-9_.-]+", "a name of lower-case letters, digits, '_', '.' and '-'")]
Place = Annotated[
    str,
    Worded(
        r"[a-z][a-z0-9+.-]*://[^?#\s]*",
        "the beginning of a URI, as 'https://images.example/cats/' or 's3://bucket/', without '?' and '#'",
    ),
]


def _at_least_one(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    if not endpoints:
        raise ValueError("expected one address at least, host:port")
    return endpoints


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    return text


class SparkSettings(Section):
    """The Spark job's own: how its driver reads, and how much it takes at a time."""

    trigger: Literal["real-time", "micro-batch"] = "real-time"
    """Whether Spark scores each record as it comes, or batch by batch: real-time needs a slot for each partition that
    is read, all the time."""
    trigger_interval_ms: Annotated[int | None, Field(ge=0)] = None
    """With real-time, how long one of Spark's batches runs, in milliseconds, at least 5,000: between two of them there
    is a pause of about a second. With micro-batch, the least time from one batch to the next; 0: as soon as it can.
    Unset: 300,000 with real-time, 0 with micro-batch."""
    slots: Positive = 64
    """Tasks that run at a time, which are threads of the driver: with real-time more than there are partitions."""
    queue_rows: Positive = 20_000
    """Most requests that wait in the driver for being scored; then its tasks wait."""
    frame_rows: Positive = 20_000
    """Most requests that are scored together."""
    commit_interval_ms: Annotated[int, Field(ge=100)] = 5_000
    """How often the job says in its consumer group how far it is, in milliseconds; as much is scored again when its
    driver dies."""
    driver_memory_mb: Annotated[int, Field(ge=480)] = 512  # Spark starts with 450 MiB, and a collector keeps some back
    """Java heap of the driver, in MiB, where all of its models must fit; `penstock models add` tries pipelines with as
    much."""
    models_pattern: Annotated[str, Field(min_length=1), AfterValidator(_pattern)] = ".*"
    """Regular expression of the names of the models that this driver loads and scores. Several drivers can share the
    work, each with names of its own."""

    @model_validator(mode="after")
    def _not_too_short(self) -> Self:
        if self.trigger == "real-time" and self.interval_ms < _LEAST_REAL_TIME_MS:
            raise ValueError(
                f"trigger_interval_ms must be at least {_LEAST_REAL_TIME_MS} with trigger real-time, "
                f"got {self.interval_ms}; raise it, or set trigger to micro-batch"
            )
        return self

    @property
    def interval_ms(self) -> int:
        """The interval of the trigger, whichever that is."""
        if self.trigger_interval_ms is not None:
            return self.trigger_interval_ms
        return _REAL_TIME_MS if self.trigger == "real-time" else 0


class TlsSettings(Section):
    """How a server's channel is encrypted; an empty section takes the authorities that the machine trusts."""

    ca: Path | None = None
    """PEM file of the authorities that may have signed the server's certificate. Unset: those the machine trusts."""
    certificate: Path | None = None
    """PEM file of the client's own certificate, with its chain, where the server asks for one."""
    key: Path | None = None
    """PEM file of that certificate's private key."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both or neither")
        return self


class ServerSettings(Section):
    """A model server, or several that serve the same models; descriptors have its name (`server.name`)."""

    endpoints: Annotated[tuple[Endpoint, ...], AfterValidator(_at_least_one)]
    """Addresses, `host:port`; requests go round those that answer."""
    protocol: Literal["tensorflow", "open-inference"] = "tensorflow"
    """What it speaks: that of TensorFlow Serving, or the Open Inference Protocol (KServe's v2)."""
    transport: Literal["grpc", "rest"] = "grpc"
    """How: by gRPC, or by HTTP with JSON (with `open-inference` only)."""
    tls: TlsSettings | None = None
    """How the channel is encrypted. Unset: it is not."""
    metadata: dict[MetadataKey, Secret[str]] = Field(default_factory=dict)
    """Sent with each call: `{authorization: Bearer ...}`. Secret."""

    @model_validator(mode="after")
    def _spoken(self) -> Self:
        if self.protocol == "tensorflow" and self.transport == "rest":
            raise ValueError("transport rest goes with protocol open-inference; TensorFlow Serving is called by grpc")
        return self


class FetchSettings(Section):
    """Inputs that requests name by a URI (`{"uri": ...}`) instead of carrying them."""

    allow: tuple[Place, ...] = ()
    """Places that may be read, as beginnings of URIs: `https://images.example/cats/`, `s3://bucket/`; `https://` is
    every public host. Empty: none, such requests become dead letters."""
    most_bytes: Positive = 4 * 1024 * 1024
    """Largest input that is fetched, in bytes."""
    timeout_ms: Positive = 5_000
    """How long one fetch may take in all, in milliseconds."""


class ServiceSettings(Section):
    """The service job's own: the model servers, and how they are asked."""

    servers: dict[ServerName, ServerSettings] = Field(default_factory=dict)
    """Model servers by name. Empty: `default`, which is the embedded one."""
    embedded: bool | None = None
    """Whether `penstock up` starts a model server with the service job. Unset: if there are no `servers`."""
    batch_rows: Positive = 64
    """Most rows that one call carries."""
    in_flight: Annotated[int, Field(ge=1, le=64)] = 4
    """Most calls at a time, for each worker."""
    deadline_ms: Positive = 2_000
    """How long a server may take for one call, in milliseconds."""
    attempts: Positive = 4
    """How often a call is tried in all where the server is busy or away."""
    patience_ms: Annotated[int, Field(ge=0)] = 100_000
    """How long requests wait for a server that is away, in milliseconds, in one outage; then they become dead letters
    until it is back. Less than `flink.checkpoint_timeout_ms`: no checkpoint is made meanwhile."""
    breaker_failures: Positive = 5
    """After so many failures in a row a server is asked only now and then whether it is back."""
    breaker_most_ms: Positive = 5_000
    """Longest time between two such questions, in milliseconds."""
    image_pixels: Positive = 16_000_000
    """Most pixels of an image that the job decodes; a larger one becomes a dead letter."""
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    """What may be fetched for requests."""


class ModelServerSettings(Section):
    """The embedded model server, which speaks TensorFlow Serving's protocol."""

    most_batch_rows: Positive = 512
    """Most rows of several calls that it puts together for the engine."""
    queue_rows: Positive = 5_000
    """Most rows that wait in it; further calls are refused as RESOURCE_EXHAUSTED, and tried again by who made them."""
    poll_ms: Positive = 2_000
    """How often it looks for models that came or went, in milliseconds."""
