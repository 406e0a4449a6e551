"""The declarations of tables: what Flink's own Kafka client is told."""

import pytest

from penstock.clusters import FLINK_SHADED_KAFKA, ClusterSettings
from penstock.flink.tables import Sink, Source, sink_ddl, source_ddl
from penstock.settings import Settings

CLUSTER = ClusterSettings.model_validate(
    {
        "bootstrap_servers": "broker-1:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "user",
        "sasl_password": "it's secret",
    }
)


@pytest.mark.parametrize(
    "ddl",
    [
        source_ddl(Source(name="events", cluster=CLUSTER, group="g", topics=["events"]), Settings()),
        sink_ddl(Sink(name="records", cluster=CLUSTER, group="j", compression="none"), Settings()),
    ],
    ids=["source", "sink"],
)
def test_log_in_uses_the_connectors_own_classes(ddl: str) -> None:
    """The connector carries a renamed Kafka client; a log-in module under its usual name is not on the class path."""
    assert f"{FLINK_SHADED_KAFKA}.common.security.scram.ScramLoginModule required" in ddl
    assert " org.apache.kafka." not in ddl
    assert "it''s secret" in ddl
