"""Which records and topics ``penstock tail`` shows."""

from __future__ import annotations

import pytest

from penstock.cli.records import Record
from penstock.cli.tail import Filter
from penstock.cli.whereabouts import cluster_of, matching, near_names
from penstock.settings import ClusterSettings, KafkaSettings, Settings

RECORD = Record(
    topic="t", partition=0, offset=0, timestamp=0, key=b"u1", value=b"v", headers=(("a", b"1"), ("b", b"x=y"))
)


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        (Filter(), True),
        (Filter(key="u1"), True),
        (Filter(key="u"), False),
        (Filter(headers=("a",)), True),
        (Filter(headers=("a=1", "b=x=y")), True),
        (Filter(headers=("a=2",)), False),
        (Filter(headers=("c",)), False),
        (Filter(key="u2", headers=("a",)), False),
    ],
)
def test_filters_on_key_and_headers(filters: Filter, taken: bool) -> None:  # noqa: FBT001
    """A record is shown when its key is the one asked for and it has all of the headers asked for."""
    assert filters.takes(RECORD) == taken


def test_names_and_patterns_find_topics() -> None:
    """A name means itself; * and ? match as in a shell; capital letters count."""
    topics = {"events", "csv-events", "iris-results", "penstock.results"}

    assert matching(["events"], topics) == ["events"]
    assert matching(["*events", "*-results"], topics) == ["csv-events", "events", "iris-results"]
    assert matching(["Events", "event"], topics) == []


def test_the_internal_prefix_says_the_cluster() -> None:
    """Topics that begin with the internal prefix and a dot are the internal cluster's, all others the users'."""
    external, internal = ClusterSettings(bootstrap_servers="a:1"), ClusterSettings(bootstrap_servers="b:1")
    settings = Settings(kafka=KafkaSettings(external=external, internal=internal))

    assert cluster_of(settings, "penstock.results") == internal
    assert cluster_of(settings, "penstocks") == external
    assert cluster_of(settings, "events") == external


def test_near_names_are_spellings_then_names_that_hold_it() -> None:
    """What was probably meant: close spellings first, then longer names; never more than three."""
    topics = [
        "events",
        "csv-events",
        "iris-results",
        "iris-forest-results",
        "iris-logistic-results",
        "iris-kmeans-results",
    ]

    assert near_names("evnts", topics)[0] == "events"
    assert set(near_names("iris", topics)) <= {topic for topic in topics if "iris" in topic}
    assert len(near_names("iris", topics)) == 3
    assert near_names("zzz", topics) == ()
