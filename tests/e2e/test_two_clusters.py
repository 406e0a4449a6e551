"""Users' topics on their own broker, which asks for a log-in over TLS; all between the jobs on the embedded one.

Each job has two workers, between which the keys are divided. They write in transactions: who reads committed records
only sees each score once, whatever was killed in the meantime. The job manager is not killed here: its jobs are
submitted anew from their groups' offsets, which promises less.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from penstock import kafka, settings
from penstock.local.waiting import wait_until
from tests import secured
from tests.e2e import mix
from tests.e2e.events import SOURCES
from tests.e2e.kills import KILL_EVERY, TASK_MANAGER, WORKERS, sent_during
from tests.e2e.stack import JOBS, LIMIT_S, OUT_S, POLL_S, SOON_S, WORKER, Stack
from tests.e2e.streams import OUTPUTS, Stream, Watch
from tests.e2e.verdicts import faults, out_of_order

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(LIMIT_S)
KILLS = (WORKERS, TASK_MANAGER)
PARALLELISM = 2
CHECKPOINT_MS = 2_000


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[secured.Broker]:
    """The users' broker, which lets in nobody without a password."""
    with secured.running(tmp_path_factory.mktemp("users"), settings.load().local.jars_dir) as broker:
        yield broker


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, users: secured.Broker) -> Iterator[Stack]:
    """The stack, started with a settings file that names both clusters, and the password in the environment."""
    cluster = users.login("SCRAM-SHA-512")
    file = tmp_path_factory.mktemp("settings") / "penstock.yaml"
    file.write_text(_settings(cluster.bootstrap_servers, users.folder / "ca.pem"), encoding="utf-8")
    password = {"PENSTOCK_KAFKA__EXTERNAL__SASL_PASSWORD": secured.PASSWORDS["SCRAM-SHA-512"]}
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"), **password)
    try:
        made.start("--settings", str(file))
        yield made
    finally:
        made.discard()


def _settings(bootstrap_servers: str, authorities: Path) -> str:
    """The settings file, as docs/operations.md tells to write it."""
    external = {
        "bootstrap_servers": bootstrap_servers,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": secured.USER,
        "ssl_ca_file": str(authorities),
    }
    return yaml.safe_dump(
        {
            "kafka": {"external": external, "internal": {"connect_timeout_ms": 30_000}},
            "flink": {
                "parallelism": PARALLELISM,
                "delivery_guarantee": "exactly-once",
                "checkpoint_interval_ms": CHECKPOINT_MS,
            },
            "local": {"task_slots": PARALLELISM * len(JOBS)},
        }
    )


@pytest.fixture(scope="module")
def stream(stack: Stack) -> Stream:
    """Events of every format, 1 % of them poison, during which workers and the task manager are killed."""
    watch = Watch(stack.settings)
    return watch.each_of(sent_during(stack, KILLS), OUT_S)


def test_every_event_gets_exactly_one_answer(stream: Stream) -> None:
    """On the users' cluster a score, or on the internal one a dead letter; none is lost and none comes twice."""
    assert len(stream.sent) > KILL_EVERY * len(KILLS)
    assert {identity: len(stream.found.get(identity, ())) for identity in stream.sent} == dict.fromkeys(stream.sent, 1)
    assert faults(stream) == []


def test_events_of_a_key_stay_in_order_with_two_workers(stack: Stack, stream: Stream) -> None:
    """Two of each job run at once; a key is with the same one all the way, after a failure, too."""
    workers = PARALLELISM * (len(JOBS) + 1)  # the PMML job has others for shadows
    assert wait_until(lambda: len(stack.pids(WORKER)) == workers, SOON_S, POLL_S), stack.left_over()
    assert {sent.partition for sent in stream.sent.values()} == set(range(stack.settings.topics.partitions))
    assert out_of_order(stream) == []


def test_each_cluster_has_only_its_own_topics(stack: Stack, stream: Stream) -> None:
    """Nothing of the users' is on the internal cluster, and nothing between the jobs on theirs."""
    prefix = f"{stack.settings.topics.prefix}."

    def found(admin: kafka.KafkaAdminClient) -> set[str]:
        try:
            return {name for name in admin.list_topics() if not name.startswith("__")}
        finally:
            admin.close()

    assert stream.found
    users = {*SOURCES.values(), *OUTPUTS, *mix.SOURCES, *mix.MORE_OUTPUTS}
    assert found(kafka.admin(stack.settings.kafka.external)) == users
    assert all(name.startswith(prefix) for name in found(kafka.admin(stack.settings.kafka.internal_cluster)))


def test_status_is_well_and_keeps_the_password(stack: Stack, stream: Stream) -> None:
    """The stack knows both clusters as healthy; the password is in no file that others may read."""
    status = stack.settled()

    assert stream.found
    assert status["healthy"], status["faults"]
    password = secured.PASSWORDS["SCRAM-SHA-512"].encode()
    assert [str(path) for path in _files(stack.state) if password in _read_by_others(path)] == []


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder in which others are made and deleted meanwhile."""
    return (Path(root) / name for root, _, names in os.walk(folder) for name in names)


def _read_by_others(path: Path) -> bytes:
    """What others than the owner may read of a file: nothing of one that is gone by now, or is none."""
    try:
        found = path.stat()
        return path.read_bytes() if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077 else b""
    except FileNotFoundError:
        return b""
