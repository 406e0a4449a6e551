"""Plain text tables."""

from __future__ import annotations

from penstock.cli.tables import counted, few, table


def test_columns_are_as_wide_as_they_need() -> None:
    """Titles are upper case, text to the left, numbers to the right, absent cells a dash."""
    assert table(["name", "messages", "note"], [["a", 1200, "x"], ["longer", 5, None]]) == (
        "NAME    MESSAGES  NOTE\na          1,200  x\nlonger         5  -"
    )


def test_no_rows_gives_the_titles() -> None:
    """An empty table still says what it would hold."""
    assert table(["name", "note"], []) == "NAME  NOTE"


def test_a_cell_stays_on_its_line() -> None:
    """Line breaks in a cell become blanks."""
    assert table(["reason"], [["two\nlines"]]) == "REASON\ntwo lines"


def test_a_cell_cannot_act_on_the_terminal() -> None:
    """What a cell quotes from a record is shown with its control characters escaped."""
    assert table(["reason"], [["\x1b[2Jgone"]]) == "REASON\n\\x1b[2Jgone"


def test_of_many_texts_the_first_are_shown() -> None:
    """A document of ten thousand routes may have as many faults."""
    assert few(()) is None
    assert few(("a", "b", "c")) == "a; b; c"
    assert few(tuple("abcde")) == "a; b; c; and 2 more"


def test_nouns_follow_their_number() -> None:
    """One route, several routes."""
    assert [counted(number, "route") for number in (0, 1, 2000)] == ["0 routes", "1 route", "2,000 routes"]
