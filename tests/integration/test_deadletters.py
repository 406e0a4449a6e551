"""``penstock deadletters`` against a real broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock import kafka
from penstock.deadletter import Cause, ErrorCode, Stage
from penstock.topics import dead_letters, ensure, internal_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Installation

START_MS = 1_700_000_000_000
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def letters(make_installation: Callable[..., Installation]) -> Installation:
    """An installation with 30 dead letters, 10 of each of three codes.

    They failed a second apart, the first at START_MS; their events had waited for a day. That is long ago: kept for the
    usual time, they would be gone when the broker next looks for old records, which it does every few minutes.
    """
    installation = make_installation(**{"topics.dead_letter_retention_ms": 100 * 365 * DAY_MS})
    ensure(installation.cluster, internal_topics(installation.settings))
    client = kafka.producer(installation.cluster)
    for number in range(30):
        code = (ErrorCode.DECODE, ErrorCode.UNMATCHED, ErrorCode.INPUT)[number % 3]
        scored = code is ErrorCode.INPUT
        cause = Cause(
            code=code,
            reason=f"reason {number}",
            stage=Stage.PMML_JOB if scored else Stage.INPUT_ADAPTER,
            component="scorer" if scored else "router",
            record=f"events/0/{number}",
            source=f"events/0/{number}",
            route="iris" if scored else None,
            model="iris-tree:1" if scored else None,
            config_version=1,
            failed_ms=START_MS + 1000 * number,
        )
        client.send(
            dead_letters(installation.settings.topics.prefix),
            key=f"u{number}".encode(),
            value=b"\xff\xfe" if code is ErrorCode.DECODE else b'{"n":1}',
            headers=[(name, text.encode()) for name, text in {"ce_id": f"id-{number}", **cause.headers()}.items()],
            timestamp_ms=START_MS - DAY_MS - 1000 * number,
        )
    client.flush()
    client.close()
    return installation


def test_list_shows_the_newest_last(letters: Installation) -> None:
    """The newest are listed, in the order in which they failed, over all partitions, and how many there are."""
    result = letters.run("deadletters", "list", "--limit", "4")

    assert [line.split()[-1] for line in result.stdout.splitlines()[1:]] == ["26", "27", "28", "29"]
    assert result.stderr == "the newest 4 of 30; --limit 0 lists all\n"


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        (["--code", "decode"], range(0, 30, 3)),
        (["--code", "DECODE", "--code", "INPUT"], [n for n in range(30) if n % 3 != 1]),
        (["--stage", "pmml_job"], range(2, 30, 3)),
        (["--route", "iris"], range(2, 30, 3)),
        (["--model", "iris-tree"], range(2, 30, 3)),
        (["--model", "iris-tree:2"], []),
        (["--since", "2023-11-14T22:13:40Z"], range(20, 30)),
        (["--until", "2023-11-14T22:13:23+00:00"], range(3)),
        (["--since", "2023-11-14T22:13:40Z", "--until", "2023-11-14T22:13:45Z", "--code", "INPUT"], [20, 23]),
        (["--since", "1h"], []),
    ],
)
def test_filters(letters: Installation, filters: list[str], numbers: list[int]) -> None:
    """Letters are chosen by code, stage, route, model and time, and by all of them together."""
    found = letters.lines("deadletters", "list", "--limit", "0", *filters)

    assert [letter["reason"] for letter in found] == [f"reason {number}" for number in numbers]


def test_count(letters: Installation) -> None:
    """Letters are counted by what is asked, filtered as in a list."""
    assert letters.lines("deadletters", "count") == [
        {"code": "DECODE", "count": 10},
        {"code": "INPUT", "count": 10},
        {"code": "UNMATCHED", "count": 10},
    ]
    assert letters.lines("deadletters", "count", "--by", "model", "--code", "INPUT") == [
        {"model": "iris-tree:1", "count": 10}
    ]
    assert letters.run("deadletters", "count", "--by", "stage").stdout.splitlines()[-1].split() == ["total", "30"]


def test_show_by_place_id_and_event(letters: Installation) -> None:
    """A letter is shown whole by the place that the list gives, by ce_id, and by its event's coordinates."""
    (listed,) = (letter for letter in letters.lines("deadletters", "list") if letter["id"] == "id-27")
    shown = [letters.lines("deadletters", "show", name) for name in (listed["letter"], "id-27", "events/0/27")]

    assert shown[0] == shown[1] == shown[2]
    (whole,) = shown[0]
    assert whole["value"] == {"base64": "//4="}
    assert whole["headers"]["penstock-error-reason"] == "reason 27"
    assert "00000000  ff fe" in letters.run("deadletters", "show", "id-27").stdout


@pytest.mark.parametrize("name", ["nothing", "0/4711", "99/0"])
def test_show_of_what_is_not_there(letters: Installation, name: str) -> None:
    """A letter that is not there is a plain error with status 1."""
    assert f"no dead letter goes by {name!r}" in letters.run("deadletters", "show", name, expect=1).stderr


def test_none_is_no_error(installation: Installation) -> None:
    """Without dead letters the list is empty and says so on standard error; the status is 0."""
    ensure(installation.cluster, internal_topics(installation.settings))
    result = installation.run("deadletters", "list")

    assert (result.stdout, result.stderr) == ("", "no dead letters\n")
    assert installation.lines("deadletters", "count") == []


def test_without_the_topic_it_is_named(installation: Installation) -> None:
    """Where nothing was set up, the missing topic is named."""
    result = installation.run("deadletters", "list", expect=1)

    assert f"topic '{installation.settings.topics.prefix}.dead-letters' does not exist" in result.stderr
