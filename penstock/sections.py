"""The sections of the settings: each field with its default, its unit and what it is for."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Secret
from pydantic_core import CoreSchema, core_schema

from penstock.clusters import ClusterSettings

__all__ = [
    "ControlSettings",
    "DeliveryGuarantee",
    "FlinkSettings",
    "KafkaSettings",
    "LimitSettings",
    "LocalSettings",
    "LogSettings",
    "ModelsSettings",
    "PmmlSettings",
    "Port",
    "Positive",
    "Section",
    "TopicSettings",
    "Worded",
]

Port = Annotated[int, Field(ge=1, le=65_535)]
Positive = Annotated[int, Field(gt=0)]
Compression = Literal["none", "lz4", "snappy", "zstd", "gzip"]
Seconds = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Worded:
    """A text that goes by a pattern, and what that is in words: few people read patterns, and none in an error."""

    pattern: str
    expected: str

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check what is a text."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Programs read patterns."""
        return {**handler(schema), "pattern": f"^({self.pattern})$"}

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"expected {self.expected}")
        return text


Scheme = Annotated[str, Worded(r"[a-z][a-z0-9+.-]*", "the scheme of a URI in lower case, without '://'")]


class Section(BaseModel):
    """A part of the settings: nothing unknown in it, and nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DeliveryGuarantee(StrEnum):
    """What a Flink sink promises after a failure."""

    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"


class KafkaSettings(Section):
    """The two clusters, which may be one: the users' topics, and the topics between Penstock's own parts."""

    external: ClusterSettings = Field(default_factory=ClusterSettings)
    """The cluster of the users' topics."""
    internal: ClusterSettings | None = None
    """The cluster of Penstock's own topics. Unset: the external one."""
    embedded: bool | None = None
    """Whether `penstock up` starts a broker. Unset: if one of the clusters has no `bootstrap_servers`."""

    @property
    def internal_cluster(self) -> ClusterSettings:
        """The cluster of Penstock's own topics, whichever that is."""
        return self.external if self.internal is None else self.internal


class TopicSettings(Section):
    """How Penstock's topics are named and made. Topics that exist already are left as they are."""

    prefix: Annotated[str, Field(max_length=60), Worded(r"[A-Za-z0-9_-]+", "letters, digits, '-' and '_'")] = "penstock"
    """First part of the name of every internal topic."""
    partitions: Positive = 4
    """Partitions of each topic that carries events; also the most workers that can share one stage's work."""
    replication_factor: Positive = 1
    """Copies of each topic. The embedded broker is one machine: 1. A cluster that matters: 3."""
    retention_ms: Positive = 7 * 24 * 3600 * 1000
    """How long requests, results and users' topics made by Penstock keep a record, in milliseconds."""
    dead_letter_retention_ms: Positive = 30 * 24 * 3600 * 1000
    """How long a dead letter is kept, in milliseconds; longer than the rest, because a person has to look at it."""
    status_retention_ms: Positive = 24 * 3600 * 1000
    """How long workers' answers on the status topic are kept, in milliseconds."""


class LimitSettings(Section):
    """How large a record may be, in bytes."""

    max_request_bytes: Annotated[int, Field(ge=1024)] = 1_000_000
    """Largest request, result or output record in bytes, key and headers included; a larger one becomes a dead letter.
    The default fits topics that were made with Kafka's own defaults."""
    max_event_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    """Largest event on a users' topic that Penstock makes. A dead letter carries such an event whole."""
    dead_letter_header_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    """Room for the cause, which is added to the original record's headers."""
    batch_overhead_bytes: Annotated[int, Field(ge=128)] = 1024
    """Room that topics leave above their largest record for what Kafka writes around it."""

    @property
    def max_dead_letter_bytes(self) -> int:
        """Largest dead letter: the largest event together with its cause."""
        return max(self.max_event_bytes, self.max_request_bytes) + self.dead_letter_header_bytes


class FlinkSettings(Section):
    """The Flink cluster, and how jobs run on it."""

    rest_address: str = "127.0.0.1"
    """Host of the cluster's REST interface and web page."""
    rest_port: Port = 8081
    """Port of the cluster's REST interface and web page."""
    parallelism: Positive = 2
    """Parallel instances of each job; never useful beyond `topics.partitions`. Java and Python take turns in one
    instance, so that two are quicker than one wherever there are two cores."""
    bundle_time_ms: Positive = 20
    """How long a Python function collects a batch, in milliseconds. Less is quicker for one event and costs CPU;
    a default Flink would wait a second."""
    bundle_size: Positive = 10_000
    """Most events in a batch that a Python function collects."""
    arrow_batch_size: Positive = 10_000
    """Most rows in one Arrow batch inside such a batch."""
    wake_up_interval_ms: Positive = 10_000
    """After so long without a record, in milliseconds, a source sends one of its own through its function: by that a
    worker that has died is noticed where nothing else comes."""
    checkpoint_interval_ms: Positive = 10_000
    """Time between checkpoints, in milliseconds; as much is replayed after a failure."""
    checkpoint_timeout_ms: Positive = 120_000
    """How long a checkpoint may take before it is given up, in milliseconds."""
    tolerable_failed_checkpoints: Annotated[int, Field(ge=0)] = 10
    """How many checkpoints in a row may fail before the job is restarted: a shadow that is slow holds them up, and that
    is no reason to restart what users wait for."""
    delivery_guarantee: DeliveryGuarantee = DeliveryGuarantee.AT_LEAST_ONCE
    """What the sinks promise after a failure: at-least-once (duplicates possible), or exactly-once (records are
    seen only after a checkpoint)."""
    transaction_timeout_ms: Positive = 600_000
    """With exactly-once: how long an unfinished transaction stays open, in milliseconds; no more than the
    broker allows."""
    delivery_timeout_ms: Positive = 120_000
    """How long a sink tries to write a record before its job fails and restarts, in milliseconds: a broker's restart
    should fit in."""
    compression: Compression = "lz4"
    """How batches on Penstock's own topics are compressed. Headers repeat from record to record: lz4 costs less CPU
    than it saves."""
    output_compression: Compression = "none"
    """How batches on users' topics are compressed. Not at all, because every client can read that."""
    linger_ms: Annotated[int, Field(ge=0)] = 5
    """How long a sink waits for more records for a batch, in milliseconds."""
    producer_batch_bytes: Positive = 128 * 1024
    """Size at which a sink's batch is sent without waiting, in bytes."""
    topic_discovery_interval_ms: Positive = 5_000
    """How often a job looks for new topics and partitions, in milliseconds."""
    restart_initial_delay_ms: Positive = 500
    """Pause before a failed job's first restart, in milliseconds; it doubles with each further failure."""
    restart_max_delay_ms: Positive = 10_000
    """Longest pause between restarts of a failing job, in milliseconds."""
    python_executable: Path | None = None
    """Python for the workers, which needs Penstock's packages. Unset: the one that submits the job."""

    @property
    def rest_url(self) -> str:
        """Base of the REST interface's addresses, which is the web page too."""
        return f"http://{self.rest_address}:{self.rest_port}"

    @property
    def python(self) -> str:
        """Python for the workers, whichever that is."""
        return sys.executable if self.python_executable is None else str(self.python_executable)


class ModelsSettings(Section):
    """Where models' files are, and how workers load them and keep them in memory."""

    store: str = ""
    """Where `penstock models add` puts files: a folder, or a URI such as `s3://bucket/models`; workers must reach it
    too. Unset: the folder `data/models` under `local.state_dir`."""
    options: dict[Scheme, Secret[dict[str, Any]]] = {}
    """What the stores' clients are given, by scheme, in fsspec's words: `{s3: {key: ..., secret: ...}}`. Secret."""
    cache_dir: Path | None = None
    """Folder for copies of models' files, by their digests, that all workers of a machine share. Unset: `cache/models`
    under `local.state_dir`."""
    most_unpacked_mb: Positive = 4096
    """Largest folder that a model's file may come to where it is a packed folder, in MiB."""
    cache_mb: Positive = 2048
    """Size of that folder above which the copies that were not used for the longest time are deleted, in MiB."""
    most_loaded: Positive = 100
    """Most models that a worker keeps in memory; for one more, the one that was not used for the longest time goes."""
    most_mb: Positive = 192
    """Most memory of a worker's models together, in MiB, as estimated from their files; less than `pmml.heap_mb`."""
    load_threads: Annotated[int, Field(ge=1, le=16)] = 2
    """How many models a worker loads at a time, beside scoring."""
    load_timeout_ms: Positive = 120_000
    """How long fetching and loading a model may take before it counts as failed, in milliseconds."""
    wait_ms: Annotated[int, Field(ge=0)] = 500
    """How long requests of a model that is being loaded may hold up those of others, in milliseconds: in all, each time
    that it is loaded. After that they become dead letters until it is ready."""
    reload_wait_ms: Annotated[int, Field(ge=0)] = 10_000
    """The same for a model that is in order and only was not in memory, for others had the room, in milliseconds."""
    startup_wait_ms: Annotated[int, Field(ge=0)] = 60_000
    """How long a worker that starts waits for the models that routes name, before its first record, in milliseconds."""

    @property
    def cache_folder(self) -> Path:
        """Folder for copies of models' files, whichever that is."""
        return Path(".penstock/cache/models") if self.cache_dir is None else self.cache_dir


class PmmlSettings(Section):
    """The PMML job's own: the Java machine that its engine runs in, inside each Python worker."""

    heap_mb: Positive = 256
    """Java heap of one worker of the PMML job, in MiB; all its models must fit, each several times its file's size."""


class ControlSettings(Section):
    """Live changes: how workers follow the routing document and answer."""

    heartbeat_ms: Annotated[int, Field(ge=100)] = 5_000
    """How often a worker gives a sign of life on the status topic, in milliseconds; after three without one it counts
    as gone."""
    apply_timeout_ms: Positive = 30_000
    """How long whoever publishes a document waits for the answers of all live workers, in milliseconds."""
    startup_deadline_ms: Positive = 60_000
    """How long a worker may take to read the control topic to its end when it starts, in milliseconds; then its job
    fails and is restarted."""
    version_wait_ms: Annotated[int, Field(ge=0)] = 5_000
    """How long the output adapter waits for the document that made a result, in milliseconds, if it has not come yet;
    then the result becomes a dead letter."""
    max_document_bytes: Positive = 10_000_000
    """Largest routing document that `penstock apply` publishes, in bytes; it goes out compressed, to a small part of
    that."""
    remembered_versions: Positive = 200
    """How many versions of the routing document a worker can still render results by."""


class LocalSettings(Section):
    """The embedded stack: the broker and the Flink cluster that `penstock up` runs on this machine."""

    state_dir: Path = Path(".penstock")
    """Folder for data, logs, process ids and generated configuration; `penstock down --purge` deletes its data."""
    jars_dir: Path = Path(".penstock/jars")
    """Folder that Maven fills: `kafka/` is the broker, `flink/` the connectors that jobs take with them, `spark/` those
    of the Spark job, `pmml/` has PMML's schema."""
    host: str = "127.0.0.1"
    """Address that the broker, Flink and the model server listen on. Not a public one: none asks who is calling."""
    kafka_port: Port = 9092
    """Port of the embedded broker for clients."""
    kafka_controller_port: Port = 9093
    """Port of the embedded broker's own controller."""
    kafka_heap_mb: Positive = 512
    """Java heap of the broker, in MiB."""
    model_server_port: Port = 8500
    """Port of the embedded model server."""
    flink_rpc_port: Port = 6123
    """Port on which Flink's job manager talks to its task manager."""
    flink_heartbeat_ms: Positive = 2_000
    """How often Flink's two processes make sure of each other, in milliseconds: one that was killed is missed after two
    beats, and until then nobody works in its place."""
    jobmanager_memory_mb: Annotated[int, Field(ge=768)] = 1024
    """Whole memory of Flink's job manager process, in MiB."""
    taskmanager_memory_mb: Annotated[int, Field(ge=1024)] = 2048
    """Whole memory of Flink's task manager process, in MiB; its Python workers come on top."""
    task_slots: Annotated[int, Field(ge=4)] = 8
    """Slots of the task manager: each job takes `flink.parallelism` of them."""
    min_free_disk_mb: Positive = 2048
    """Free disk space without which nothing is started, in MiB."""
    kafka_log_retention_mb: Positive = 1024
    """How much of a partition the embedded broker keeps at most, in MiB, whatever a topic's retention time says."""
    log_max_mb: Positive = 20
    """Size at which a log file is put aside and a new one begun, in MiB."""
    log_backups: Annotated[int, Field(ge=0)] = 3
    """How many log files that were put aside are kept."""
    kafka_deadline_s: Seconds = 60
    """How long the broker may take until it answers, in seconds."""
    flink_deadline_s: Seconds = 90
    """How long Flink may take until its slots are offered, in seconds."""
    jobs_deadline_s: Seconds = 180
    """How long the jobs may take until all of their tasks run, in seconds."""
    demo_deadline_s: Seconds = 30
    """How long the demo generator may take until it runs, in seconds."""
    stop_deadline_s: Seconds = 30
    """How long a process may take to end after it was asked to, in seconds; then it is killed."""
    poll_interval_s: Seconds = 0.25
    """Pause between two looks at something that is waited for, in seconds."""
    keeper_interval_s: Seconds = 5
    """Time between two looks for jobs that the cluster has lost, in seconds."""
    demo_rate: Annotated[float, Field(gt=0)] = 3
    """Events per second that the demo generator writes."""


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least weight of a line that is logged."""
    layout: Literal["text", "json"] = "text"
    """`text` for people, `json` for machines: one object a line."""
