"""JPMML, a second PMML engine that no one of ours wrote, to judge what ours answers.

It is under the AGPL: tests and the scripts that make test files load its jars, nothing that ships does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jpype

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["JARS", "Judge", "add_jars"]

JARS = Path(__file__).parents[2] / ".penstock" / "jars" / "jpmml"


def add_jars(folder: Path = JARS) -> None:
    """Let the Java machine that runs already find JPMML; raises `FileNotFoundError` where `make setup` has not run."""
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        msg = f"expected the jars of JPMML in {folder}, found none: run 'make setup'"
        raise FileNotFoundError(msg)
    for jar in jars:
        jpype.addClassPath(str(jar))


class Judge:
    """A PMML file as JPMML reads it. Raises Java's exceptions where JPMML refuses the file or a row."""

    def __init__(self, data: bytes) -> None:
        self._map = jpype.JClass("java.util.LinkedHashMap")
        self._decode = jpype.JClass("org.jpmml.evaluator.EvaluatorUtil").decodeAll
        builder = jpype.JClass("org.jpmml.evaluator.LoadingModelEvaluatorBuilder")()
        builder.load(jpype.JClass("java.io.ByteArrayInputStream")(data))
        self._evaluator = builder.build()

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The answers for one row: by the names of the outputs, and of the target."""
        given = self._map()
        for name, value in row.items():
            given.put(name, _java(value))
        found = self._decode(self._evaluator.evaluate(given))
        return {str(entry.getKey()): _plain(entry.getValue()) for entry in found.entrySet()}


def _java(value: object) -> Any:
    match value:
        case bool():
            return jpype.JBoolean(value)
        case int():
            return jpype.JClass("java.lang.Integer")(value)
        case float():
            return jpype.JClass("java.lang.Double")(value)
        case _:
            return value


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, jpype.java.lang.Boolean):
        return bool(value)
    return float(value) if isinstance(value, jpype.java.lang.Number) else str(value)
