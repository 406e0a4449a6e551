"""Names and types in descriptors' words and in SQL's."""

from __future__ import annotations

import pytest

from jobs.spark_job import words


@pytest.mark.parametrize(
    ("own", "sql"),
    [
        ("string", "string"),
        ("integer", "int"),
        ("long", "bigint"),
        ("long[]", "array<bigint>"),
        ("integer[][]", "array<array<int>>"),
    ],
)
def test_types_have_two_words(own: str, sql: str) -> None:
    """There and back."""
    assert words.sql(own) == sql
    assert words.word(sql) == own


def test_names_may_have_any_characters() -> None:
    """A name is never read as more of the schema."""
    assert words.schema({"a`b": "integer", "c d, e int": "string[]"}) == "`a``b` int, `c d, e int` array<string>"
