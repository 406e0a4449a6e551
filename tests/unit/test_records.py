"""How the tools show a record."""

from __future__ import annotations

import json

import pytest

from penstock.cli.records import Record, as_object, as_text, json_line, rfc3339, shown


def record(**fields: object) -> Record:
    """A record with defaults for what a test does not care about."""
    defaults: dict[str, object] = {
        "topic": "events",
        "partition": 2,
        "offset": 17,
        "timestamp": 1_700_000_000_123,
        "key": b"u1",
        "value": b'{"a": 1.0}',
        "headers": (("ce_id", b"e1"),),
    }
    return Record(**{**defaults, **fields})  # type: ignore[arg-type]  # a factory of keyword options


def test_json_form_has_every_part() -> None:
    """The JSON form has topic, partition, offset, timestamp in ms, key, headers and the value's exact text."""
    assert json.loads(json_line(as_object(record()))) == {
        "topic": "events",
        "partition": 2,
        "offset": 17,
        "timestamp": 1_700_000_000_123,
        "key": "u1",
        "headers": {"ce_id": "e1"},
        "value": '{"a": 1.0}',
    }


def test_json_form_is_one_line() -> None:
    """A value with line breaks still gives one line."""
    assert "\n" not in json_line(as_object(record(value=b"a\nb")))


def test_bytes_that_are_not_text_become_base64() -> None:
    """Key, value and header values that are not UTF-8 are given as base64; nothing is lost."""
    shown_as = as_object(record(key=b"\xff", value=b"\x00\xfe", headers=(("h", b"\xfd"),)))

    assert shown_as["key"] == {"base64": "/w=="}
    assert shown_as["value"] == {"base64": "AP4="}
    assert shown_as["headers"] == {"h": {"base64": "/Q=="}}


def test_absent_key_and_value_are_null() -> None:
    """A record without key or value has null there, not an empty string."""
    shown_as = as_object(record(key=None, value=None, headers=(("h", None),)))

    assert (shown_as["key"], shown_as["value"], shown_as["headers"]) == (None, None, {"h": None})


def test_last_header_of_a_name_counts() -> None:
    """Kafka lets a header name occur twice; the last value is the one that counts."""
    twice = record(headers=(("h", b"1"), ("h", b"2")))

    assert twice.header("h") == "2"
    assert as_object(twice)["headers"] == {"h": "2"}
    assert twice.header("absent") is None


def test_text_form_shows_place_time_key_headers_and_value() -> None:
    """The text form is a block that ends with a blank line."""
    assert as_text(record()) == (
        'events/2/17  2023-11-14T22:13:20.123Z  key u1\n  ce_id: e1\n{"a": 1.0}\n'  # click.echo adds the last break
    )
    assert "ce_id" not in as_text(record(), headers=False)


def test_headers_are_shown_by_name_on_a_line_each() -> None:
    """The engine hands headers on in any order; people find them by name, and a line break in one stays in its line."""
    text = as_text(record(headers=(("b", b"2"), ("a", b"1\n1"))))

    assert text.splitlines()[1:3] == ["  a: 1\\n1", "  b: 2"]


def test_text_form_never_sends_control_characters_to_the_terminal() -> None:
    """A control character in a record is shown escaped, so that it cannot act on the terminal."""
    assert shown(b"a\x1b[31mb\r") == "a\\x1b[31mb\\r"
    assert shown("für\tBäume\n".encode()) == "für\tBäume\n"
    assert shown(b"\xff") == "base64:/w=="
    assert shown(None) == "(null)"


@pytest.mark.parametrize(
    ("begin", "shown_as"),
    [(b"\x89PNG\r\n\x1a\n", "(PNG image, 1,008 bytes)"), (b"\xff\xd8\xff\xe0\0\0\0\0", "(JPEG image, 1,008 bytes)")],
)
def test_image_is_told_by_its_size(begin: bytes, shown_as: str) -> None:
    """For people; for scripts it is whole."""
    found = record(value=begin + bytes(1000))

    assert as_text(found).splitlines()[-1] == shown_as
    assert "base64" in str(as_object(found)["value"])


def test_timestamps_are_utc_with_milliseconds() -> None:
    """Timestamps are shown as RFC 3339 in UTC."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"


def test_a_timestamp_that_is_no_date_shows_as_its_number() -> None:
    """A producer may write any number as timestamp; showing it must not fail."""
    assert rfc3339(10**18) == str(10**18)
