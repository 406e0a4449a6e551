"""How ``penstock send`` cuts its input into events."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from penstock.cli.send import Framing, Message, messages, parse_header, send


def cut(*lines: bytes, **framing: object) -> list[Message]:
    """The events of an input."""
    return list(messages(lines, Framing(**framing)))  # type: ignore[arg-type]  # a factory of keyword options


def test_one_event_a_line_without_its_line_break() -> None:
    """Each line is an event; its break is no part of it; blank lines are none; the last line needs no break."""
    cut_up = cut(b"a\n", b"\n", b" b \r\n", b"  \n", b"c")

    assert [(message.what, message.value) for message in cut_up] == [
        ("line 1", b"a"),
        ("line 3", b" b "),
        ("line 5", b"c"),
    ]
    assert all(message.key is None and message.fault is None for message in cut_up)


def test_bytes_pass_unchanged() -> None:
    """Nothing is decoded: bytes that are no text are sent as they are."""
    assert cut(b"\xff\xfe\n")[0].value == b"\xff\xfe"


def test_whole_input_is_one_event_byte_for_byte() -> None:
    """With --whole line breaks are part of the event."""
    assert cut(b"a\n", b"\n", b"b\n", whole=True, key="k") == [
        Message(what="the whole input", key=b"k", value=b"a\n\nb\n")
    ]


def test_one_key_for_all() -> None:
    """--key is the key of every event."""
    assert [message.key for message in cut(b"a\n", b"b\n", key="k")] == [b"k", b"k"]


def test_key_separator_cuts_at_the_first_one() -> None:
    """The value may hold the separator; nothing before it means no key."""
    cut_up = cut(b'u1:{"a":1}\n', b":v\n", key_separator=":")

    assert [(message.key, message.value) for message in cut_up] == [(b"u1", b'{"a":1}'), (None, b"v")]


def test_a_line_without_separator_is_a_fault_of_that_line_only() -> None:
    """A line that has no separator is not sent, the others are."""
    first, second = cut(b"nothing\n", b"k::v\n", key_separator="::")

    assert first.fault == "no separator '::' between key and value"
    assert (second.key, second.value, second.fault) == (b"k", b"v", None)


@pytest.mark.parametrize(
    ("framing", "said"),
    [
        (Framing(key="k", key_separator=":"), "give one of them"),
        (Framing(whole=True, key_separator=":"), "--whole has none"),
        (Framing(key_separator=""), "--key-separator is empty"),
    ],
)
def test_options_that_contradict_are_named(framing: Framing, said: str) -> None:
    """Options that do not go together are refused with the reason."""
    assert said in (framing.fault() or "")


def test_header_value_may_hold_further_equals_signs() -> None:
    """Only the first = counts; an empty value is one."""
    assert parse_header("a=b=c") == ("a", b"b=c")
    assert parse_header("a=") == ("a", b"")


@pytest.mark.parametrize("text", ["a", "=b", ""])
def test_header_without_name_or_equals_is_refused(text: str) -> None:
    """A header needs a name and a =."""
    with pytest.raises(ValueError, match="expected name=value, got"):
        parse_header(text)


def test_wrong_usage_ends_with_status_2_before_kafka_is_asked() -> None:
    """A wrong command line is told at once."""
    result = CliRunner().invoke(send, ["events", "--header", "nothing", "--bootstrap-servers", "nowhere:1"])

    assert result.exit_code == 2
    assert "expected name=value, got 'nothing'" in result.output
