"""How dead letters are selected, counted and shown."""

from __future__ import annotations

import json

import pytest

from penstock.cli.letters import Aspect, Letter, Selection, as_summary, as_whole, counts, listing, page
from penstock.cli.records import Record, json_line
from penstock.deadletter import Cause, ErrorCode, Stage


def letter(  # noqa: PLR0913  # a factory with a default for each fact
    *,
    code: ErrorCode = ErrorCode.INPUT,
    stage: Stage = Stage.PMML_JOB,
    route: str | None = "iris",
    model: str | None = "iris-tree:1",
    timestamp: int = 1_600_000_000_000,
    failed_ms: int | None = 1_700_000_000_000,
    offset: int = 17,
    value: bytes | None = b'{"a":1}',
) -> Letter:
    """A dead letter with defaults for what a test does not care about."""
    cause = Cause(
        code=code,
        reason="field 'petal_width' is missing",
        stage=stage,
        component="scorer",
        record=f"penstock.pmml.iris-tree/0/{offset}",
        source=f"events/1/{offset}",
        route=route,
        model=model,
        config_version=3,
        failed_ms=failed_ms,
    )
    headers = {"ce_id": f"id-{offset}", **cause.headers()}
    return Letter.of(
        Record(
            topic="penstock.dead-letters",
            partition=2,
            offset=offset,
            timestamp=timestamp,
            key=b"u1",
            value=value,
            headers=tuple((name, text.encode()) for name, text in headers.items()),
        )
    )


STRAY = Letter.of(Record(topic="penstock.dead-letters", partition=0, offset=0, timestamp=0, value=b"x"))


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(code=("INPUT", "DECODE")), True),
        (Selection(code=("DECODE",)), False),
        (Selection(stage=("pmml_job",)), True),
        (Selection(stage=("input_adapter",)), False),
        (Selection(route=("iris",)), True),
        (Selection(route=("tweets",)), False),
        (Selection(model=("iris-tree",)), True),
        (Selection(model=("iris-tree:1",)), True),
        (Selection(model=("iris-tree:2",)), False),
        (Selection(model=("iris",)), False),
        (Selection(since=1_700_000_000_000, until=1_700_000_000_001), True),
        (Selection(since=1_700_000_000_001), False),
        (Selection(until=1_700_000_000_000), False),
        (Selection(code=("INPUT",), route=("tweets",)), False),
    ],
)
def test_selection(selection: Selection, taken: bool) -> None:  # noqa: FBT001
    """A letter is taken when every filter given takes it; ``since`` is within, ``until`` is not."""
    assert selection.takes(letter()) == taken


def test_a_letter_that_does_not_say_when_it_failed_has_its_events_time() -> None:
    """Earlier versions did not write it down."""
    old = letter(timestamp=1_000, failed_ms=None)

    assert Selection(since=1_000, until=1_001).takes(old)
    assert not Selection(since=1_001).takes(old)
    assert as_summary(old)["failed_ms"] == 1_000


def test_letters_are_sorted_by_when_they_failed() -> None:
    """An event that waited for days and failed just now is among the newest."""
    late, early = letter(timestamp=1, failed_ms=20), letter(timestamp=9, failed_ms=10)

    assert sorted([late, early], key=lambda each: each.age_order) == [early, late]


def test_a_record_that_is_no_dead_letter_is_shown_but_not_selected_by_cause() -> None:
    """What somebody else wrote to the topic is listed with a cause that says so, and no filter on a cause takes it."""
    assert "Penstock did not write it" in listing([STRAY])
    assert Selection().takes(STRAY)
    assert not Selection(code=("INPUT",)).takes(STRAY)
    assert not Selection(model=("iris-tree",)).takes(STRAY)


@pytest.mark.parametrize("name", ["2/17", "id-17", "events/1/17", "penstock.pmml.iris-tree/0/17"])
def test_a_letter_goes_by_its_place_id_event_and_failed_record(name: str) -> None:
    """A letter is found by partition/offset, by ce_id, and by where its event or the failed record lies."""
    assert letter().goes_by(name)
    assert not letter(offset=18).goes_by(name)


def test_nothing_goes_by_an_empty_name() -> None:
    """A letter without cause is not found by an empty name."""
    assert not STRAY.goes_by("")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (Aspect.CODE, [("INPUT", 2), ("DECODE", 1)]),
        (Aspect.STAGE, [("pmml_job", 2), ("input_adapter", 1)]),
        (Aspect.ROUTE, [("iris", 2), (None, 1)]),
        (Aspect.MODEL, [(None, 1), ("iris-forest:1", 1), ("iris-tree:1", 1)]),
    ],
)
def test_counts(by: Aspect, expected: list[tuple[str | None, int]]) -> None:
    """Letters are counted by code, stage, route or model, the most first; those that have none count too."""
    letters = [
        letter(),
        letter(model="iris-forest:1"),
        letter(code=ErrorCode.DECODE, stage=Stage.INPUT_ADAPTER, route=None, model=None),
    ]

    assert counts(letters, by) == expected


def test_listing_has_a_line_a_letter() -> None:
    """The table says where the letter lies, when and why it failed."""
    titles, line = listing([letter()]).splitlines()

    assert titles.split() == ["LETTER", "FAILED", "AT", "CODE", "STAGE", "ROUTE", "MODEL", "SOURCE", "REASON"]
    assert line == (
        "2/17    2023-11-14T22:13:20.000Z  INPUT  pmml_job  iris   iris-tree:1  events/1/17"
        "  field 'petal_width' is missing"
    )


def test_page_shows_cause_headers_and_value() -> None:
    """The page of a letter has every fact of its cause, all headers, and the value."""
    text = page(letter())

    assert "letter          2/17 of penstock.dead-letters\n" in text
    assert "failed at       2023-11-14T22:13:20.000Z\n" in text
    assert "event time      2020-09-13T12:26:40.000Z\n" in text
    assert "reason          field 'petal_width' is missing\n" in text
    assert "stage           pmml_job (scorer)\n" in text
    assert "  ce_id: id-17\n" in text
    assert text.endswith('value (7 bytes)\n{"a":1}\n')


def test_page_dumps_bytes_that_are_not_text() -> None:
    """A value that is not UTF-8 is shown as hex, 16 bytes a line, with its ASCII letters beside."""
    text = page(letter(value=bytes(range(0x60, 0x72)) + b"\xff"))

    assert text.endswith(
        "value (19 bytes)\n"
        "00000000  60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f  `abcdefghijklmno\n"
        "00000010  70 71 ff                                         pq.\n"
    )


def test_page_of_a_letter_without_value() -> None:
    """A tombstone is said to have none."""
    assert page(letter(value=None)).endswith("value (none)\n")


def test_json_forms() -> None:
    """The summary has place, id, cause and key; the whole adds topic, headers and value."""
    short = json.loads(json_line(as_summary(letter())))
    whole = json.loads(json_line(as_whole(letter(value=b"\xff"))))

    assert (short["letter"], short["id"], short["code"], short["config_version"], short["key"]) == (
        "2/17",
        "id-17",
        "INPUT",
        3,
        "u1",
    )
    assert "value" not in short
    assert whole["value"] == {"base64": "/w=="}
    assert whole["headers"]["penstock-error-code"] == whole["code"]
