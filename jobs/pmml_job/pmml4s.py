"""Two ways to have PMML4S, the engine inside pypmml, score a batch of rows in one call from Python.

`MatrixCall` is the quick one, for models of numbers: a matrix goes over at once, the loop over its rows runs in Java,
and columns come back. `RecordsCall` is for every other model: JSON goes over and comes back.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec
import numpy as np
from jpype import JArray, JClass, JDouble, JInt, JObject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.pmml_job.mining_schema import InputField, Scalar
    from jobs.pmml_job.requests import Row
    from jobs.pmml_job.singles import Singles

__all__ = ["MatrixCall", "RecordsCall"]

# The engine writes a missing integer as Java's smallest long, in JSON too.
_MISSING_INTEGER = -(2**63)
_NUMBERS = frozenset({"double", "float"})
_SEPARATOR = "\x1f"  # between the texts of a column that comes back as one string


class _Typed(Protocol):
    """The part of an output field that counts here."""

    @property
    def name(self) -> str: ...

    @property
    def data_type(self) -> str: ...


class RecordsCall:
    """Rows go over as a JSON list of objects and come back as one. A missing value is left out of its object.

    The denser "split" form cannot leave a value out, and a null in it is scored as 0 where the field is an integer.
    """

    def __init__(self, model: Any, inputs: Sequence[InputField], outputs: Sequence[_Typed], singles: Singles) -> None:
        self._model = model
        self._rounded = singles
        self._names = [field.name for field in inputs]
        self._single = [field.data_type == "float" for field in inputs]
        self._outputs = [(output.name, output.data_type) for output in outputs]

    def __call__(self, rows: Sequence[Row]) -> list[tuple[Scalar | None, ...]]:
        """Score the rows."""
        records = [
            {
                name: self._rounded.one(float(value)) if single else value
                for name, single, value in zip(self._names, self._single, row, strict=True)
                if value is not None
            }
            for row in rows
        ]
        answer = self._model.predict(msgspec.json.encode(records).decode())
        return [
            tuple(_typed(found.get(name), data_type) for name, data_type in self._outputs)
            for found in msgspec.json.decode(str(answer))
        ]


def _typed(value: Any, data_type: str) -> Scalar | None:
    if value is None:
        return None
    if data_type == "integer":
        return None if value == _MISSING_INTEGER else int(value)
    return float(value) if data_type in _NUMBERS else value


class MatrixCall:
    """Rows go over as a Java matrix of doubles, in which NaN is a missing value, and come back column by column.

    The Java side is put together from method handles, so that no row calls back into Python and nothing has to be
    compiled: ``Arrays.stream(matrix).map(predict . Series.fromArray).toArray()``, then one stream for each output.
    That takes a third of the time of the JSON form.
    """

    def __init__(self, model: Any, inputs: Sequence[InputField], outputs: Sequence[_Typed], singles: Singles) -> None:
        self._width = len(inputs)
        self._rounded = singles
        self._single = [index for index, field in enumerate(inputs) if field.data_type == "float"]
        self._stream = JClass("java.util.Arrays").stream
        handles = JClass("java.lang.invoke.MethodHandles")
        series = JClass("org.pmml4s.data.Series").class_
        schema = JClass("org.pmml4s.common.StructType").class_
        from_array = _handle(series, "fromArray", JObject.class_, schema)
        make = handles.insertArguments(from_array, 1, _objects(model.inputSchema()))
        predict = _handle(JClass("org.pmml4s.model.Model").class_, "predict", series).bindTo(model)
        self._predict = _function("Function", handles.filterReturnValue(make, predict), JObject.class_)
        self._columns = [_column(index, output.data_type) for index, output in enumerate(outputs)]

    @staticmethod
    def fits(inputs: Sequence[InputField], outputs: Sequence[_Typed]) -> bool:
        """Tell whether a matrix can carry the inputs, and whether there is a reader for each output.

        An integer that may be missing cannot be carried: the engine would read NaN as 0.
        """
        return all(
            field.data_type in _NUMBERS or (field.data_type == "integer" and not field.may_be_missing)
            for field in inputs
        ) and all(output.data_type in _READERS for output in outputs)

    def __call__(self, rows: Sequence[Row]) -> list[tuple[Scalar | None, ...]]:
        """Score the rows."""
        size = len(rows) * self._width
        # A missing value is None in a row; numpy reads it as NaN.
        matrix = np.fromiter(chain.from_iterable(rows), dtype=np.float64, count=size).reshape(len(rows), self._width)
        for index in self._single:
            matrix[:, index] = self._rounded(matrix[:, index])
        java_matrix = JObject(JArray.of(matrix), JArray(JObject))
        scored = self._stream(java_matrix).map(self._predict).toArray()
        return list(zip(*(read(self._stream(scored), scored) for read in self._columns), strict=True))


_Column: TypeAlias = "Callable[[Any, Any], list[Any]]"
"""Reads one output from a stream of scored series; gets the array of them too."""


def _column(index: int, data_type: str) -> _Column:
    return _READERS[data_type](index)


def _number_column(index: int) -> _Column:
    get = _getter("ToDoubleFunction", "getDouble", index, JDouble)

    def read(stream: Any, _scored: Any) -> list[float | None]:
        column = np.asarray(stream.mapToDouble(get).toArray())
        values: list[float | None] = column.tolist()
        if np.isnan(column).any():
            return [None if value != value else value for value in values]  # noqa: PLR0124 (only NaN differs from itself)
        return values

    return read


def _integer_column(index: int) -> _Column:
    numbers = _number_column(index)

    def read(stream: Any, scored: Any) -> list[int | None]:
        return [None if value is None or value == _MISSING_INTEGER else int(value) for value in numbers(stream, scored)]

    return read


def _text_column(index: int) -> _Column:
    get = _getter("Function", "getString", index, JObject)
    joining = JClass("java.util.stream.Collectors").joining

    def read(stream: Any, scored: Any) -> list[str | None]:
        texts = str(stream.map(get).collect(joining(_SEPARATOR))).split(_SEPARATOR)
        # Java writes a missing text as null, which could be a label too.
        return [None if text == "null" and scored[row].isMissingAt(index) else text for row, text in enumerate(texts)]

    return read


def _boolean_column(index: int) -> _Column:
    texts = _text_column(index)

    def read(stream: Any, scored: Any) -> list[bool | None]:
        return [None if text is None else text == "true" for text in texts(stream, scored)]

    return read


_READERS: dict[str, Callable[[int], _Column]] = {
    "double": _number_column,
    "float": _number_column,
    "integer": _integer_column,
    "string": _text_column,
    "boolean": _boolean_column,
}


def _handle(owner: Any, name: str, *parameters: Any) -> Any:
    """A handle of a public method that is no constructor."""
    lookup = JClass("java.lang.invoke.MethodHandles").publicLookup()
    return lookup.unreflect(owner.getMethod(name, *parameters))


def _getter(interface: str, method: str, index: int, result: Any) -> Any:
    """A Java function from a scored series to its output at ``index``."""
    handle = _handle(JClass("org.pmml4s.data.Series").class_, method, JClass("java.lang.Integer").TYPE)
    return _function(
        interface,
        JClass("java.lang.invoke.MethodHandles").insertArguments(handle, 1, _objects(JInt(index))),
        result.class_,
    )


def _function(interface: str, handle: Any, result: Any) -> Any:
    """The handle, which takes one object, as an instance of a functional interface of ``java.util.function``."""
    kind = JClass(f"java.util.function.{interface}")
    typed = handle.asType(JClass("java.lang.invoke.MethodType").methodType(result, JObject.class_))
    return JObject(JClass("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(kind.class_, typed), kind)


def _objects(*values: Any) -> Any:
    return JArray(JObject)(values)
