"""The one shape that all pipelines have: records from topics, one vectorized function, records to topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflink.table.udf import udf

from penstock.flink.columns import DELIVERIES, DELIVERY
from penstock.flink.tables import Sink, Source, identifier, literal, sink_ddl, source_ddl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink.table import StatementSet, TableEnvironment

    from penstock.clusters import ClusterSettings
    from penstock.deployables import Deployable
    from penstock.flink.by_document import ByDocument
    from penstock.settings import Settings

__all__ = ["OWN_HEADERS", "SIZE_COLUMN", "Flow", "texts"]

SIZE_COLUMN = "penstock_unseen_bytes(`key`, `own_headers`)"
"""What key and headers add to a record's size: they stay in the engine."""

OWN_HEADERS = "CASE WHEN CARDINALITY(`headers`) > 0 THEN JSON_STRING(CAST(`headers` AS MAP<STRING, STRING>)) END"
"""The record's own headers as the text of a JSON object; null, which is quick, where it has none."""

_TIMESTAMP = """CASE
                    WHEN `timestamp` BETWEEN TO_TIMESTAMP_LTZ(0, 3) AND CURRENT_ROW_TIMESTAMP() + INTERVAL '59' MINUTE
                    THEN `timestamp`
                END"""
"""The record's own timestamp; null, for which the producer takes the time of writing, where writing it would fail.

Brokers take negative ones, which producers refuse, and one may take times to come that the next one refuses from an
hour on. A producer that fails restarts its job, which then meets the same record: for ever.
"""


_EACH = """
            CROSS JOIN LATERAL TABLE(penstock_records(`deliveries`))
            AS `delivery` (`topic`, `value`, `headers`, `more`)"""
"""The place where one event becomes several records. Where none does there is none: it would cost a call each."""


def texts(*headers: str) -> str:
    """Return the column of topic and some headers' texts, which `penstock.flink.columns.texts` takes apart."""
    return f"penstock_texts(`topic`, `headers`, {', '.join(map(literal, headers))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A pipeline being built in a table environment."""

    environment: TableEnvironment
    settings: Settings
    deployable: Deployable
    sources: Sequence[str] = ()
    """Topics that events are read from: fixed when a job is submitted, as the rest of the routing document is not."""

    @property
    def group(self) -> str:
        """The job's consumer group."""
        return self.deployable.group(self.settings.topics.prefix)

    @property
    def shadow_group(self) -> str:
        """The consumer group of the job's pipeline for shadows."""
        return self.deployable.shadow_group(self.settings.topics.prefix)

    def read(self, source: Source) -> str:
        """Declare topics to read; returns the table's name."""
        self.environment.execute_sql(source_ddl(source, self.settings))
        return source.name

    def apply(self, table: str, verb: str, function: ByDocument, columns: Sequence[str]) -> str:
        """Let a vectorized function say what becomes of each record; returns a view's name.

        Key, timestamp and own headers stay in the engine, and so does the value unless the function gives another.
        Records of one event follow each other in one chain, so that those of one key stay in order.
        """
        answer = "deliveries" if function.FANS_OUT else "delivery"
        each = _EACH if function.FANS_OUT else ""
        result_type = DELIVERIES if function.FANS_OUT else DELIVERY
        vectorized = udf(function, result_type=result_type, func_type="pandas")
        self.environment.create_temporary_function(verb, vectorized)
        name = f"{table}_{verb}"
        self.environment.execute_sql(f"""CREATE TEMPORARY VIEW {identifier(name)} AS
            SELECT
                `key`,
                COALESCE(`delivery`.`value`, `record`.`value`) AS `value`,
                `delivery`.`topic` AS `topic`,
                penstock_headers(
                    `own_headers`, `delivery`.`headers`, `source_topic`, `partition`, `offset`, `timestamp`
                ) AS `headers`,
                {_TIMESTAMP} AS `timestamp`
            FROM (
                SELECT
                    `key`, `value`, `topic` AS `source_topic`, `partition`, `offset`, `timestamp`, `own_headers`,
                    {verb}({", ".join(columns)}) AS `{answer}`
                FROM (SELECT *, penstock_packed(`headers`) AS `own_headers` FROM {identifier(table)})
            ) AS `record`{each}
            WHERE penstock_written(`delivery`.`topic`, `partition`)""")  # noqa: S608 our own names, and columns that pipelines write
        return name

    def deliver(self, view: str, compression: str, *, shadows: str | None = None) -> StatementSet:
        """Write each record to the topic that it names: Penstock's own on the internal cluster, users' on theirs.

        What comes of ``shadows``, another view, goes to Penstock's own topics only, by a sink of its own.
        """
        statements = self.environment.create_statement_set()
        kafka = self.settings.kafka
        internal, external = kafka.internal_cluster, kafka.external
        if shadows is not None:
            self._insert(statements, shadows, self._sink("shadow_records", internal, compression))
        if internal == external:
            self._insert(statements, view, self._sink("records", external, compression))
            return statements
        own = f"`topic` LIKE {literal(self.settings.topics.prefix.replace('_', '!_') + '.%')} ESCAPE '!'"
        self._insert(statements, view, self._sink("internal_records", internal, compression), own)
        self._insert(statements, view, self._sink("external_records", external, compression), f"NOT ({own})")
        return statements

    def _sink(self, name: str, cluster: ClusterSettings, compression: str) -> Sink:
        return Sink(name=name, cluster=cluster, group=self.group, compression=compression)

    def _insert(self, statements: StatementSet, view: str, sink: Sink, condition: str = "") -> None:
        self.environment.execute_sql(sink_ddl(sink, self.settings))
        statements.add_insert_sql(
            f"INSERT INTO {identifier(sink.name)} SELECT `key`, `value`, `topic`, `headers`, `timestamp`"  # noqa: S608 our own names
            f" FROM {identifier(view)}{' WHERE ' + condition if condition else ''}"
        )
