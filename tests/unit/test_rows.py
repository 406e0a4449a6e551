"""Rows of separated values."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.rows import cells, named_cells


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("5.1,3.5", ",", ["5.1", "3.5"]),
        ("5.1,3.5\r\n", ",", ["5.1", "3.5"]),
        ("a;b,c", ";", ["a", "b,c"]),
        ('"a,b",c', ",", ["a,b", "c"]),
        ('"say ""hi""",c\n', ",", ['say "hi"', "c"]),
        ('"two\nlines",c', ",", ["two\nlines", "c"]),
        (",", ",", ["", ""]),
        ("one", ",", ["one"]),
        ("a, b", ",", ["a", " b"]),
    ],
)
def test_a_row_is_split_in_its_cells(text: str, separator: str, expected: list[str]) -> None:
    """Quotes keep separators and line ends together; blanks belong to their cell."""
    assert cells(text, separator) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "^expected a row of cells, got empty text$"),
        ("\r\n", "^expected a row of cells, got empty text$"),
        ("a,b\nc,d", r"^expected one row, found 2 in 'a,b\\nc,d'$"),
        ('"a,b', "^expected a row of cells, got '\"a,b': unexpected end of data$"),
        ('"a"b,c', "^expected a row of cells, got '\"a\"b,c': ',' expected after '\"'$"),
    ],
)
def test_what_is_not_one_row_is_refused(text: str, message: str) -> None:
    """The message says what was found."""
    with pytest.raises(ValueError, match=message):
        cells(text, ",")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5))
def test_what_csv_writes_is_read_back(row: list[str]) -> None:
    """Any texts survive, whatever needs quoting."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow(row)

    assert cells(written.getvalue(), ",") == row


@given(st.text())
def test_any_text_is_a_row_or_refused(text: str) -> None:
    """No text makes any exception but the documented one."""
    try:
        assert all(isinstance(cell, str) for cell in cells(text, ","))
    except ValueError:
        return


def test_cells_are_named_by_their_columns() -> None:
    """In the order of the columns."""
    assert named_cells("1,2", ["a", "b"], ",") == {"a": "1", "b": "2"}


@pytest.mark.parametrize("text", ["1", "1,2,3"])
def test_a_wrong_number_of_cells_is_refused(text: str) -> None:
    """The message says how many were expected, which, and how many there are."""
    with pytest.raises(ValueError, match=rf"^expected 2 cells \(a, b\), found {len(text.split(','))} in '{text}'$"):
        named_cells(text, ["a", "b"], ",")
