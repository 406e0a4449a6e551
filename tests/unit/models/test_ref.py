"""Model refs: what is one, what is none, and what the message says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ModelRefError
from penstock.models.ref import NAME_PATTERN, ModelRef


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iris-tree", ModelRef("iris-tree")),
        ("iris-tree:1", ModelRef("iris-tree", 1)),
        ("Iris_2:999999999", ModelRef("Iris_2", 999_999_999)),
    ],
)
def test_ref_is_read(text: str, expected: ModelRef) -> None:
    """A ref is a name, or a name with a version, and writes itself as it was read."""
    ref = ModelRef.parse(text)
    assert ref == expected
    assert str(ref) == text


@pytest.mark.parametrize("text", ["", ":1", "-a", "a b", "a/b", "a.b", "ä", "a" * 101, "a\n"])
def test_wrong_name_is_refused(text: str) -> None:
    """A name that cannot be part of a topic's name is refused, and the message says what a name is."""
    with pytest.raises(ModelRefError, match="a name has letters, digits"):
        ModelRef.parse(text)


@pytest.mark.parametrize("text", ["a:", "a:0", "a:01", "a:-1", "a:1.0", "a:x", "a:1:2", "a:1000000000", "a:\u0661"])
def test_wrong_version_is_refused(text: str) -> None:
    """A version is a whole number from 1 up."""
    with pytest.raises(ModelRefError, match="expected a version from 1 up after the colon"):
        ModelRef.parse(text)


def test_message_is_for_people() -> None:
    """The message quotes what was found and says what was expected."""
    with pytest.raises(
        ModelRefError,
        match=r"^'iris:latest' is no model ref: expected a version from 1 up after the colon, got 'latest'$",
    ):
        ModelRef.parse("iris:latest")


@given(st.from_regex(NAME_PATTERN, fullmatch=True), st.none() | st.integers(1, 999_999_999))
def test_text_and_back(name: str, version: int | None) -> None:
    """Every ref survives being written and read."""
    ref = ModelRef(name, version)
    assert ModelRef.parse(str(ref)) == ref
