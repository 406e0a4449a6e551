"""What a descriptor says of a model's inputs, as rules for requests: each field's value in its own type, or why not.

Types are words of Spark's and of TensorFlow's; a list of a type is written ``double[]``, or by the field's shape, whose
first dimension is that of the batch. A field that is not required may be missing: then it is what ``missing`` says, or
None. Jobs with types of their own make rules of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from penstock.errors import InputError, ModelLoadError
from penstock.serving.requests import Alone, Field, RequestReader
from penstock.serving.values import ABSENT, FLOAT_MAX, integer, is_text, kind, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.models.descriptor import FieldDescriptor

__all__ = ["FieldRule", "Kind", "kind_named", "reader"]

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
#: msgspec's own bounds are those of 64 bits with a sign.
_MOST_BOUND = (1 << 63) - 1


class Kind(NamedTuple):
    """A type of single values."""

    words: str
    convert: Callable[[object], object]
    """The value in that type, None where it is of another."""
    quick: Any
    """What msgspec decodes it to."""
    exact: bool = True
    """Whether that takes nothing else; else what was decoded has to be checked."""


class FieldRule:
    """What becomes of one field's value: the value that the model gets, or an `InputError`."""

    __slots__ = ("_dimensions", "_kind", "_name")

    def __init__(self, name: str, kind: Kind, dimensions: tuple[int, ...] = ()) -> None:
        """Prepare.

        Args:
            name: the field's.
            kind: of single values.
            dimensions: lengths of the lists in which they stand, the outermost first; -1: any length.
        """
        self._name = name
        self._kind = kind
        self._dimensions = dimensions

    @classmethod
    def of(cls, field: FieldDescriptor) -> FieldRule:
        """Return the rule for what a descriptor says of an input.

        Raises:
            ValueError: no request can carry such a field.
        """
        word, dimensions = _dimensions(field)
        return cls(field.name, kind_named(word), dimensions)

    def __call__(self, value: object) -> Any:
        """Check a value as JSON gave it; `ABSENT` where the row has none.

        Raises:
            InputError: it is missing, or of another type; tells the field, what was expected and what came.
        """
        if value is ABSENT or value is None:
            found = "is missing" if value is ABSENT else "is null"
            raise InputError(f"field {self._name!r} {found}, expected {_words(self._kind.words, self._dimensions)}")
        return self._converted(value, self._dimensions, "")

    @property
    def exact(self) -> bool:
        """Whether what is decoded as `quick` need not be checked."""
        return self._kind.exact

    @property
    def is_list(self) -> bool:
        """Whether its values are lists."""
        return bool(self._dimensions)

    @property
    def quick(self) -> Any:
        """A type that msgspec decodes to the value, where it is as it should be."""
        found = self._kind.quick
        for length in reversed(self._dimensions):
            found = list[found]  # type: ignore[valid-type]  # a type made at run time
            if length != _ANY:
                found = Annotated[found, msgspec.Meta(min_length=length, max_length=length)]
        return found

    def _converted(self, value: object, dimensions: tuple[int, ...], place: str) -> object:
        if not dimensions:
            found = self._kind.convert(value)
            if found is None:
                raise InputError(f"field {self._name!r}{place} is {kind(value)}, expected {self._kind.words}")
            return found
        length, *rest = dimensions
        if not isinstance(value, list) or length not in {_ANY, len(value)}:
            expected = _words(self._kind.words, dimensions)
            raise InputError(f"field {self._name!r}{place} is {kind(value)}, expected {expected}")
        return [self._converted(each, tuple(rest), f"{place}[{index}]") for index, each in enumerate(value)]


def reader(ref: str, inputs: Sequence[FieldDescriptor]) -> RequestReader:
    """Return what reads requests to a model.

    Raises `ModelLoadError` where no request can carry one of its inputs, or it has none.
    """
    if not inputs:
        raise ModelLoadError(ref, "nobody says which inputs it has; give its descriptor 'inputs'")
    if len({field.name for field in inputs}) < len(inputs):
        raise ModelLoadError(ref, "two of its inputs have the same name; rename one of them")
    try:
        fields = [_field(field) for field in inputs]
        text = len(fields) == 1 and fields[0].quick is str
        return RequestReader(fields, Alone(str, is_list=False) if text else None)
    except (ValueError, InputError) as error:
        raise ModelLoadError(ref, str(error)) from error


def kind_named(word: str) -> Kind:
    """Return the type of single values that a word of Spark's or of TensorFlow's names.

    Raises:
        ValueError: it names none that a request can carry.
    """
    if word == "string":
        return Kind("a string", lambda value: value if isinstance(value, str) and is_text(value) else None, str)
    if word in _TRUTHS:
        return Kind(f"true or false ({word})", lambda value: value if isinstance(value, bool) else None, bool)
    if word in _FLOATS:
        return _float(word, _FLOATS[word])
    if word in _INTEGERS:
        return _integer(word, *_INTEGERS[word])
    known = ", ".join(sorted({"string", _VECTOR, *_TRUTHS, *_FLOATS, *_INTEGERS}))
    raise ValueError(f"an input has type {word!r}, which no request can carry; expected one of {known}, or a list ([])")


def _field(field: FieldDescriptor) -> Field:
    rule = FieldRule.of(field)
    optional = field.required is False
    return Field(
        field.name,
        rule,
        rule.quick,
        optional=optional,
        stand_in=field.missing if optional else None,
        treat=None if rule.exact else rule,
    )


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


def _float(word: str, bound: float) -> Kind:
    said = f"a number ({word})" if math.isinf(bound) else f"a number ({word}, up to {bound:.1e})"
    quick: Any = float if math.isinf(bound) else Annotated[float, msgspec.Meta(ge=-bound, le=bound)]
    return Kind(said, lambda value: number(value, bound), quick)


def _integer(word: str, bits: int, signed: bool) -> Kind:  # noqa: FBT001 by place, from the table
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    wide = high > _MOST_BOUND
    meta = msgspec.Meta(ge=low) if wide else msgspec.Meta(ge=low, le=high)
    said = f"a whole number ({word})"
    return Kind(said, lambda value: integer(value, low, high), Annotated[int, meta], exact=not wide)


def _words(single: str, dimensions: Sequence[int]) -> str:
    """Say what is expected: "a list of 8 lists of 8, each a number (float)"."""
    if not dimensions:
        return single
    counts = ["" if length == _ANY else f" {length}" for length in dimensions]
    inner = "".join(f" of{count} lists" for count in counts[:-1])
    return f"a list{inner}{counts[-1] and f' of{counts[-1]}'}, each {single}"
