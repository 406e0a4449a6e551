"""Slots: whether real time finds one for each partition."""

from jobs.spark_job.slots import SPARE, Need


def test_each_partition_takes_a_slot() -> None:
    """Of all queries, and some are left for loading models."""
    need = Need.of({"a": 4, "b": 4}, {"c": 2})
    assert (need.topics, need.partitions, need.slots) == (3, 10, 10 + SPARE)
    assert need.shortage(12) is None


def test_shortage_says_what_to_do() -> None:
    """The figures, and both ways out."""
    assert Need(20, 80).shortage(64) == (
        "job spark reads 80 partitions of 20 topics in real time, which needs 82 slots (2 for loading models), and"
        " spark.slots is 64: raise it to at least 82, or set spark.trigger to micro-batch"
    )


def test_no_topics_need_little() -> None:
    """They may come later."""
    assert Need.of({}).shortage(SPARE) is None
