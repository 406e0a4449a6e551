"""Columns' names and types in descriptors' words and in Spark SQL's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["quoted", "schema", "sql", "word"]

_ARRAY = "[]"
#: Descriptors' words that SQL has others for.
_SQL = {"integer": "int", "long": "bigint"}
_WORDS = {sql: own for own, sql in _SQL.items()}


def schema(types: Mapping[str, str]) -> str:
    """Return columns, given with their types in a descriptor's words, as Spark reads a schema."""
    return ", ".join(f"{quoted(name)} {sql(type_)}" for name, type_ in types.items())


def quoted(name: str) -> str:
    """Return a name such that Spark takes it for nothing but a name."""
    return f"`{name.replace('`', '``')}`"


def sql(word_: str) -> str:
    """Return SQL's word for a descriptor's."""
    if word_.endswith(_ARRAY):
        return f"array<{sql(word_.removesuffix(_ARRAY))}>"
    return _SQL.get(word_, word_)


def word(sql_: str) -> str:
    """Return a descriptor's word for SQL's."""
    if sql_.startswith("array<"):
        return f"{word(sql_.removeprefix('array<').removesuffix('>'))}{_ARRAY}"
    return _WORDS.get(sql_, sql_)
