"""Formats of outputs."""

from pathlib import Path

import pytest

from penstock.errors import TransformError
from penstock.writers import Parts, tagged_writer, text_of, write_json, write_text, write_value

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
PARTS = Parts(whole=b'{"prediction":"setosa"}', input=b'"5.1,3.5,1.4,0.2"', prediction=b'"setosa"')


def sample(name: str) -> bytes:
    """A sample message without the line end that editors want at the end of a file."""
    return (MESSAGES / name).read_bytes().removesuffix(b"\n")


def test_json_is_the_whole_result() -> None:
    """None, for bytes that nobody changed, stays None."""
    assert write_json(PARTS) == b'{"prediction":"setosa"}'
    assert write_json(Parts()) is None


def test_value_is_the_prediction_as_json() -> None:
    """A text keeps its quotes."""
    assert write_value(PARTS) == sample("output-value.json")


def test_text_is_the_prediction_as_text() -> None:
    """A text loses its quotes."""
    assert write_text(PARTS) == sample("output.txt")


def test_tagged_is_message_separator_prediction() -> None:
    """The message is the input as its user sent it."""
    assert tagged_writer("###")(PARTS) == sample("output.tagged")


@pytest.mark.parametrize(
    ("json", "text"), [(b'"a\\nb"', b"a\nb"), (b"1.0", b"1.0"), (b"null", b"null"), (b'{"a": 1}', b'{"a": 1}')]
)
def test_only_strings_are_decoded_for_text(json: bytes, text: bytes) -> None:
    """Numbers stay as they were written, down to the last digit."""
    assert text_of(json) == text


@pytest.mark.parametrize(
    ("write", "form"), [(write_text, "text"), (write_value, "value"), (tagged_writer("#"), "tagged")]
)
def test_outputs_without_a_prediction_are_refused(write: object, form: str) -> None:
    """Only transforms can have removed it, and the reason says so."""
    assert callable(write)
    with pytest.raises(TransformError, match=f"format '{form}' needs the field 'prediction', which the transforms"):
        write(PARTS._replace(prediction=None))


def test_tagged_needs_the_input() -> None:
    """Results for bytes do not carry it."""
    with pytest.raises(TransformError, match=r"format 'tagged' needs the input, .*; was the event bytes\?"):
        tagged_writer("###")(PARTS._replace(input=None))
