"""What a descriptor says of a model's inputs, as rules for requests: each field's value in its own type, or why not.

Types are words of Spark's and of TensorFlow's; a list of a type is written ``double[]``, or by the field's shape, whose
first dimension is that of the batch. A field that is not required may be missing: then it is what ``missing`` says, or
None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from penstock.errors import InputError, ModelLoadError
from penstock.serving.requests import RequestReader
from penstock.serving.values import ABSENT, FLOAT_MAX, integer, is_text, kind, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.models.descriptor import FieldDescriptor

__all__ = ["FieldRule", "reader"]

_HALF_MAX = 65_504.0
#: Largest sizes of numbers with a fraction, by word.
_FLOATS = {
    "double": math.inf,
    "float64": math.inf,
    "float": FLOAT_MAX,
    "float32": FLOAT_MAX,
    "bfloat16": FLOAT_MAX,
    "half": _HALF_MAX,
    "float16": _HALF_MAX,
}
#: Bits and sign of whole numbers, by word.
_INTEGERS = {
    "byte": (8, True),
    "short": (16, True),
    "integer": (32, True),
    "int": (32, True),
    "long": (64, True),
    **{f"int{bits}": (bits, True) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (bits, False) for bits in (8, 16, 32, 64)},
}
_TRUTHS = {"bool", "boolean"}
_LIST = "[]"
#: A vector of Spark's is a list of numbers in a request.
_VECTOR = "vector"
_ANY = -1
_QUICK_BITS = 64


class _Type(NamedTuple):
    """A type of single values."""

    words: str
    convert: Callable[[object], object]
    """The value in that type, None where it is of another."""
    quick: Any
    """What msgspec decodes it to; None: there is nothing that takes the same values."""


class FieldRule:
    """What becomes of one field's value: the value that the model gets, or an `InputError`."""

    __slots__ = ("_default", "_dimensions", "_expected", "_name", "_required", "_type")

    def __init__(self, field: FieldDescriptor) -> None:
        """Prepare.

        Raises:
            ValueError: no request can carry such a field.
        """
        word, dimensions = _dimensions(field)
        self._type = _type(word)
        self._name = field.name
        self._dimensions = dimensions
        self._expected = _words(self._type.words, dimensions)
        self._required = field.required is not False
        self._default = field.missing

    def __call__(self, value: object) -> Any:
        """Check a value as JSON gave it; `ABSENT` where the row has none.

        Raises:
            InputError: it is missing, or of another type; tells the field, what was expected and what came.
        """
        if value is ABSENT or value is None:
            if self._required:
                found = "is missing" if value is ABSENT else "is null"
                raise InputError(f"field {self._name!r} {found}, expected {self._expected}")
            return self._default
        return self._converted(value, self._dimensions, "")

    @property
    def is_text(self) -> bool:
        """Whether it is one text."""
        return not self._dimensions and self._type.quick is str

    @property
    def quick(self) -> Any:
        """A type that msgspec decodes to the value, where it is as it should be; None: there is no such type."""
        found = self._type.quick
        for length in reversed(self._dimensions) if found is not None else ():
            found = list[found]  # type: ignore[valid-type]  # a type made at run time
            if length != _ANY:
                found = Annotated[found, msgspec.Meta(min_length=length, max_length=length)]
        if self._required or found is None:
            return found
        return None if self._default is not None else found | None

    @property
    def required(self) -> bool:
        """Whether there has to be a value."""
        return self._required

    def _converted(self, value: object, dimensions: tuple[int, ...], place: str) -> object:
        if not dimensions:
            found = self._type.convert(value)
            if found is None:
                raise InputError(f"field {self._name!r}{place} is {kind(value)}, expected {self._type.words}")
            return found
        length, *rest = dimensions
        if not isinstance(value, list) or length not in {_ANY, len(value)}:
            expected = _words(self._type.words, dimensions)
            raise InputError(f"field {self._name!r}{place} is {kind(value)}, expected {expected}")
        return [self._converted(each, tuple(rest), f"{place}[{index}]") for index, each in enumerate(value)]


def reader(ref: str, inputs: Sequence[FieldDescriptor]) -> RequestReader:
    """Return what reads requests to a model.

    Raises `ModelLoadError` where no request can carry one of its inputs, or it has none.
    """
    if not inputs:
        raise ModelLoadError(ref, "nobody says which inputs it has; give its descriptor 'inputs'")
    try:
        rules = {field.name: FieldRule(field) for field in inputs}
    except ValueError as error:
        raise ModelLoadError(ref, str(error)) from error
    if len(rules) < len(inputs):
        raise ModelLoadError(ref, "two of its inputs have the same name; rename one of them")
    text = len(rules) == 1 and next(iter(rules.values())).is_text
    return RequestReader(rules, _row_type(rules), text=text)


def _row_type(rules: dict[str, FieldRule]) -> Any:
    types = [rule.quick for rule in rules.values()]
    if None in types:
        return None
    columns = [
        (f"f{i}", found) if rule.required else (f"f{i}", found, None)
        for i, (rule, found) in enumerate(zip(rules.values(), types, strict=True))
    ]
    renamed = {f"f{i}": name for i, name in enumerate(rules)}
    struct = msgspec.defstruct("Row", columns, rename=renamed, kw_only=True, gc=False)
    return struct | tuple[tuple(types)]  # type: ignore[misc]  # as above


def _dimensions(field: FieldDescriptor) -> tuple[str, tuple[int, ...]]:
    """Return the word of single values, and how many there are in each dimension of a row."""
    word, depth = field.type, 0
    while word.endswith(_LIST):
        word, depth = word.removesuffix(_LIST), depth + 1
    if word == _VECTOR:
        word, depth = "double", depth + 1
    if field.shape is None:
        return word, (_ANY,) * depth
    if depth:
        raise ValueError(f"input {field.name!r} has a shape and a list for its type; leave one of them out")
    return word, tuple(field.shape[1:])


def _type(word: str) -> _Type:
    if word == "string":
        return _Type("a string", lambda value: value if isinstance(value, str) and is_text(value) else None, str)
    if word in _TRUTHS:
        return _Type(f"true or false ({word})", lambda value: value if isinstance(value, bool) else None, bool)
    if word in _FLOATS:
        return _float(word, _FLOATS[word])
    if word in _INTEGERS:
        return _integer(word, *_INTEGERS[word])
    known = ", ".join(sorted({"string", _VECTOR, *_TRUTHS, *_FLOATS, *_INTEGERS}))
    raise ValueError(f"an input has type {word!r}, which no request can carry; expected one of {known}, or a list ([])")


def _float(word: str, bound: float) -> _Type:
    said = f"a number ({word})" if math.isinf(bound) else f"a number ({word}, up to {bound:.1e})"
    quick: Any = float if math.isinf(bound) else Annotated[float, msgspec.Meta(ge=-bound, le=bound)]
    return _Type(said, lambda value: number(value, bound), quick)


def _integer(word: str, bits: int, signed: bool) -> _Type:  # noqa: FBT001 by place, from the table
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    wide = not signed and bits == _QUICK_BITS  # beyond what msgspec can be told
    quick: Any = None if wide else Annotated[int, msgspec.Meta(ge=low, le=high)]
    return _Type(f"a whole number ({word})", lambda value: integer(value, low, high), quick)


def _words(single: str, dimensions: Sequence[int]) -> str:
    """Say what is expected: "a list of 8 lists of 8, each a number (float)"."""
    if not dimensions:
        return single
    counts = ["" if length == _ANY else f" {length}" for length in dimensions]
    inner = "".join(f" of{count} lists" for count in counts[:-1])
    return f"a list{inner}{counts[-1] and f' of{counts[-1]}'}, each {single}"
