"""What the tests in PyFlink share: one Java machine for the run, environments in it, and records from files."""

from __future__ import annotations

import base64
import json
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyflink import java_gateway
from pyflink.pyflink_gateway_server import launch_gateway_server_process
from pyflink.table.types import MapType, VarBinaryType

from penstock import settings
from penstock.deployables import Deployable
from penstock.flink import environment
from penstock.flink.pipeline import Flow
from penstock.flink.tables import Source, identifier, literal
from penstock.local import flink_cluster, wheel
from penstock.local.layout import Layout
from tests import brokers
from tests.patience import SOON_S

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
TIMESTAMP_MS = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z
Row = dict[str, Any]


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel that workers run, after PyFlink was set up as the stack does it: our jars are on its class path."""
    loaded = settings.load(overrides={"local.state_dir": str(tmp_path_factory.mktemp("flink"))})
    layout = Layout.of(loaded)
    layout.make()
    flink_cluster.write_configuration(loaded, layout)
    (layout.flink_conf / "log4j-cli.properties").write_text("rootLogger.level = OFF\n", encoding="utf-8")
    flink_cluster.link_jars(loaded, layout)
    started: list[subprocess.Popen[bytes]] = []

    def launch(*arguments: Any) -> subprocess.Popen[bytes]:
        started.append(launch_gateway_server_process(*arguments))
        return started[-1]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in flink_cluster.environment(layout).items():
            patch.setenv(name, value)
        patch.setattr(java_gateway, "launch_gateway_server_process", launch)  # PyFlink itself leaves Java to its fate
        yield wheel.build(ROOT, layout.wheel)
    if java_gateway._gateway is not None:
        java_gateway._gateway.shutdown()
    for process in started:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="session")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Settings of a broker for the routing document, which functions follow; records come from files all the same."""
    with brokers.running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.reached


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFlow(Flow):
    """A pipeline that reads a file where it would read topics; what it would write can be looked at."""

    records: Path

    def read(self, source: Source) -> str:
        """Declare a table with the columns of a topic, and one more for packed headers."""
        self.environment.execute_sql(f"""CREATE TEMPORARY TABLE {identifier(source.name)} (
            `key` BYTES,
            `value` BYTES,
            `topic` STRING NOT NULL,
            `partition` INT NOT NULL,
            `offset` BIGINT NOT NULL,
            `timestamp_ms` BIGINT NOT NULL,
            `headers` MAP<STRING, BYTES> NOT NULL,
            `added` STRING,
            `timestamp` AS TO_TIMESTAMP_LTZ(`timestamp_ms`, 3)
        ) WITH ('connector' = 'filesystem', 'path' = {literal(self.records.as_uri())}, 'format' = 'json')""")
        return source.name

    def select(self, table: str, **expressions: str) -> list[Row]:
        """Evaluate expressions over a table or view in a mini-cluster, whose Python workers are processes.

        By way of files, because PyFlink's own way to collect rows fails on nulls inside maps.
        """
        columns = ", ".join(f"{expression} AS {identifier(name)}" for name, expression in expressions.items())
        query = f"SELECT {columns} FROM {identifier(table)}"  # noqa: S608 our own names
        folder = self.records.with_suffix("")
        self.environment.execute_sql(
            f"CREATE TABLE {identifier(folder.name)} WITH ('connector' = 'filesystem', 'format' = 'json',"
            f" 'path' = {literal(folder.as_uri())}) AS {query}"
        ).wait()
        schema = self.environment.sql_query(query).get_resolved_schema()
        types = dict(zip(schema.get_column_names(), schema.get_column_data_types(), strict=True))
        lines = [line for part in sorted(folder.glob("part-*")) for line in part.read_bytes().splitlines()]
        return [{name: decoded(cell, types[name]) for name, cell in json.loads(line).items()} for line in lines]


@pytest.fixture(scope="session")
def make_flow(built_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FileFlow]:
    """Make a pipeline's beginning over records, in a table environment of its own; keywords change settings."""
    folder = tmp_path_factory.mktemp("records")

    def make(*records: Mapping[str, Any], overrides: Mapping[str, object] | None = None) -> FileFlow:
        file = folder / f"{uuid.uuid4().hex}.json"
        write(records, file)
        loaded = settings.load(overrides=overrides)
        options = {
            **environment.configuration(loaded, "test"),
            "python.executable": sys.executable,
            "python.files": str(built_wheel),
            # What fails must end, and what is slow has not failed.
            "restart-strategy.type": "none",
            "heartbeat.timeout": f"{2 * SOON_S} s",
            "pekko.ask.timeout": f"{SOON_S} s",
        }
        return FileFlow(
            environment=environment.create(options),
            settings=loaded,
            deployable=Deployable(name="test", module=""),
            records=file,
        )

    return make


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Row]:
    """Make a record as a topic would give it; keywords replace its columns."""

    def make(**changes: Any) -> Row:
        return {
            "key": b"k",
            "value": b"v",
            "topic": "events",
            "partition": 3,
            "offset": 42,
            "timestamp_ms": TIMESTAMP_MS,
            "headers": {},
            "added": None,
        } | changes

    return make


def write(records: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Write records one a line, bytes as Flink's JSON format wants them."""
    file.write_text("".join(f"{json.dumps(encoded(one))}\n" for one in records), encoding="ascii")


def encoded(value: Any) -> Any:
    """Turn bytes anywhere inside into base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: encoded(each) for name, each in value.items()}
    return value


def decoded(cell: Any, kind: Any) -> Any:
    """Turn base64 back into bytes where the type says so."""
    if isinstance(kind, MapType) and isinstance(kind.value_type, VarBinaryType):
        return {name: decoded(each, kind.value_type) for name, each in cell.items()}
    if isinstance(kind, VarBinaryType) and cell is not None:
        return base64.b64decode(cell)
    return cell
