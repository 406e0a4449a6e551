"""What the job's queries read."""

import re

from jobs.spark_job.reading import Reading, Standing, beginning
from penstock.settings import Settings


def settings(**spark: object) -> Settings:
    """Settings with these of the Spark job."""
    return Settings(spark=spark, kafka={"external": {"bootstrap_servers": "kafka:1"}})


def test_requests_and_copies_are_read_apart() -> None:
    """Each by its own topics, with progress of its own."""
    requests, copies = (Reading.of(settings(), "spark", copies=each) for each in (False, True))

    assert re.fullmatch(requests.pattern, "penstock.spark.sentiment")
    assert not re.fullmatch(requests.pattern, "penstock.shadow-spark.sentiment")
    assert not re.fullmatch(requests.pattern, "penstock.pmml.sentiment")
    assert re.fullmatch(copies.pattern, "penstock.shadow-spark.sentiment")
    assert (requests.group, copies.group) == ("penstock.spark-job", "penstock.spark-job-shadows")
    assert requests.checkpoint != copies.checkpoint


def test_drivers_share_work_by_models() -> None:
    """Each with names of its own keeps its own checkpoint and group."""
    one, other = (Reading.of(settings(models_pattern=each), "spark", copies=False) for each in ("a.*", "[^a].*"))

    assert re.fullmatch(one.pattern, "penstock.spark.abc")
    assert not re.fullmatch(other.pattern, "penstock.spark.abc")
    assert one.checkpoint != other.checkpoint
    assert one.group != other.group


def test_checkpoint_stays_where_nothing_changes() -> None:
    """It hangs on what is read and from where, and on nothing else."""
    first, second = (Reading.of(settings(slots=each), "spark", copies=False) for each in (8, 16))
    assert first.checkpoint == second.checkpoint


def test_options_are_kafka_s_own() -> None:
    """With the whole way to the cluster; topics that go do not stop the others."""
    options = Reading.of(settings(), "spark", copies=False).options()
    assert options["kafka.bootstrap.servers"] == "kafka:1"
    assert (options["includeHeaders"], options["failOnDataLoss"]) == ("true", "false")
    assert "subscribePattern" in options


def test_new_checkpoint_begins_where_all_is_done() -> None:
    """Spark takes an offset for each partition, or none; without any it reads all that topics keep."""
    topics = {"a": Standing("1", 2), "b": Standing("2", 1)}
    assert beginning(topics, {("a", 1): 5, ("gone", 0): 7}) == '{"a":{"0":-2,"1":5},"b":{"0":-2}}'
    assert beginning(topics, {("gone", 0): 7}) == "earliest"
    assert beginning({}, {("gone", 0): 7}) == "earliest"
