"""Fields of objects, and what is said of those that are not as they should be."""

import pytest

from penstock.objects import converted, having, in_field, listed, object_in, text_in


def test_what_fits_is_returned() -> None:
    """The same object, not a copy."""
    data = {"a": 1}

    assert object_in(data) is data
    assert having(data, ("a",)) is data
    assert text_in("text") == "text"
    assert in_field("a", str, data) == "1"
    assert converted({"a": str}, data) == {"a": "1"}


def test_what_does_not_fit_is_refused() -> None:
    """By its kind, its field, or all its missing fields."""
    with pytest.raises(ValueError, match=r"^expected an object, got list$"):
        object_in([])
    with pytest.raises(ValueError, match=r"^expected text, got null$"):
        text_in(None)
    with pytest.raises(ValueError, match=r"^fields 'b', 'c' are missing$"):
        having({"a": 1}, ("b", "a", "c"))
    with pytest.raises(ValueError, match=r"^field 'a': expected text, got int$"):
        in_field("a", text_in, {"a": 1})
    with pytest.raises(ValueError, match=r"^field 'b' is missing$"):
        converted({"a": str, "b": str}, {"a": 1})


def test_names_are_listed_with_their_verb() -> None:
    """One is, several are."""
    assert listed(["a"]) == "field 'a' is"
    assert listed(["a", "b"]) == "fields 'a', 'b' are"
