"""Model refs: what is one, what is none, and what the message says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ModelRefError
from penstock.models.ref import HIGHEST_VERSION, NAME_PATTERN, ModelRef


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iris-tree", ModelRef("iris-tree")),
        ("iris-tree:1", ModelRef("iris-tree", 1)),
        ("Iris_2:999999999999999999", ModelRef("Iris_2", HIGHEST_VERSION)),
        ("iris:0", ModelRef("iris", 0)),
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


@pytest.mark.parametrize("text", ["a:", "a:01", "a:-1", "a:1.0", "a:x", "a:1:2", "a:" + "1" * 19, "a:\u0661"])
def test_wrong_version_is_refused(text: str) -> None:
    """A version is a whole number that Kafka's and everybody's readers hold."""
    with pytest.raises(ModelRefError, match="expected a version, a whole number of at most 18 digits, got"):
        ModelRef.parse(text)


def test_message_is_for_people() -> None:
    """The message quotes what was found and says what was expected."""
    with pytest.raises(
        ModelRefError,
        match=r"^'iris:latest' is no model ref: expected a version, a whole number of at most 18 digits, got 'latest'$",
    ):
        ModelRef.parse("iris:latest")


@given(st.from_regex(NAME_PATTERN, fullmatch=True), st.none() | st.integers(0, HIGHEST_VERSION))
def test_text_and_back(name: str, version: int | None) -> None:
    """Every ref survives being written and read."""
    ref = ModelRef(name, version)
    assert ModelRef.parse(str(ref)) == ref


UUID = "8400fb1b-9a4d-4f9b-9d2f-2b6f8f5f0a11"


@pytest.mark.parametrize("text", [f"{UUID}_7", f"{UUID}:7"])
def test_the_predecessors_form_is_read(text: str) -> None:
    """A UUID and a number, as the predecessor wrote it; written, it has our form."""
    assert ModelRef.parse(text) == ModelRef(UUID, 7)
    assert str(ModelRef.parse(text)) == f"{UUID}:7"


def test_a_uuid_alone_is_a_name() -> None:
    """It means whichever version is live."""
    assert ModelRef.parse(UUID) == ModelRef(UUID)


@pytest.mark.parametrize(
    ("text", "message"),
    [(f"{UUID}_x", "expected a version.*got 'x'"), (f"{UUID}_3:1", f"is a version already: write '{UUID}:1'")],
)
def test_wrong_legacy_form_is_refused(text: str, message: str) -> None:
    """No name has the form of a version, so that no text means two things."""
    with pytest.raises(ModelRefError, match=message):
        ModelRef.parse(text)
