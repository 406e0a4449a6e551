"""The open registry of transforms: how one is declared, found by name, checked and compiled.

A package adds its own by an entry point in the group ``penstock.transforms`` that names a `Transform`; the entry
point's name is the transform's name in routing documents. Names of built-in transforms cannot be taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from penstock.errors import RecordError, TransformError, shown
from penstock.routing.faults import Fault, faults_in, nearest
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "BOTH",
    "GROUP",
    "Bound",
    "NoParameters",
    "Parameters",
    "Side",
    "Step",
    "Transform",
    "names",
    "pipeline",
    "read",
]

GROUP = "penstock.transforms"

Step = Callable[[Any], object]
"""Takes data and returns new data, leaving the old as it is; raises `ValueError`, saying why, where it cannot."""


class Side(StrEnum):
    """Where in a route a transform may stand, which decides what it works on."""

    EVENT = "transform"
    """In ``transform``: works on the event: text from text and tagged sources, an object from CSV and most JSON."""
    RESULT = "output.transform"
    """In ``output.transform``: works on the result, an object with ``input``, ``prediction``, ``outputs`` and times."""


BOTH = frozenset(Side)


class Parameters(BaseModel):
    """What a transform takes in a document; unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NoParameters(Parameters):
    """For a transform that takes none: it is written as its name alone."""


P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(Generic[P]):
    """A named, pure function with its parameters."""

    parameters: type[P]
    compile: Callable[[P], Step]
    """Called once per document and route; what can be computed before the first record belongs here."""
    sides: frozenset[Side] = BOTH
    objects_pass: bool = False
    """Whether an object comes out as it went in. Then a source of objects can leave the step out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A transform with the parameters that a document gives it."""

    name: str
    step: Step
    objects_pass: bool


def names() -> set[str]:
    """Return the names of all transforms: the built-in ones and those of installed packages."""
    return {*_built_in(), *entry_points(group=GROUP).names}


def read(items: Sequence[object], side: Side) -> tuple[list[Bound], list[Fault]]:
    """Look up and compile a list of transforms as a document has it; faults have their place within the list."""
    bound: list[Bound] = []
    faults: list[Fault] = []
    for number, item in enumerate(items):
        try:
            name, given = _named(item)
            bound.append(_bind(name, given, side))
        except _FaultyError as error:
            faults.extend(fault.below(number) for fault in error.faults)
    return bound, faults


def pipeline(steps: Iterable[Bound]) -> Step:
    """Join steps into one; a step that cannot take its data raises `TransformError`, which names it."""
    named = tuple((bound.name, bound.step) for bound in steps)

    def run(data: object) -> object:
        for name, step in named:
            try:
                data = step(data)
            except RecordError:
                raise
            except ValueError as error:
                raise TransformError(name, str(error)) from error
        return data

    return run


class _FaultyError(Exception):
    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def _named(item: object) -> tuple[str, object]:
    match item:
        case str():
            return item, None
        case dict() if len(item) == 1:
            name, given = next(iter(item.items()))
            return str(name), given
        case _:
            rule = "a transform is a name, or one name with its parameters"
            raise _FaultyError(Fault((), f"{rule}; got {shown(item)} ({kind(item)})"))


def _bind(name: str, given: object, side: Side) -> Bound:
    transform = _find(name)
    if side not in transform.sides:
        allowed = " or ".join(sorted(transform.sides))
        raise _FaultyError(Fault((), f"transform {name!r} cannot stand in {side}, only in {allowed}"))
    try:
        parameters = transform.parameters.model_validate({} if given is None else given)
    except ValidationError as error:
        if given is None:
            raise _FaultyError(Fault((), f"transform {name!r} needs parameters: {{{name}: ...}}")) from error
        faults = faults_in(error, transform.parameters, given)
        raise _FaultyError(*(fault.below(name) for fault in faults)) from error
    return Bound(name=name, step=transform.compile(parameters), objects_pass=transform.objects_pass)


def _find(name: str) -> Transform[Any]:
    found = _built_in().get(name)
    if found is not None:
        return found
    for entry in entry_points(group=GROUP, name=name):
        try:
            loaded = entry.load()
        except Exception as error:  # somebody else's package may fail in any way; that is a fault of the document
            raise _FaultyError(
                Fault((), f"transform {name!r} of {entry.value!r} cannot be loaded: {error!r}")
            ) from error
        if not isinstance(loaded, Transform):
            raise _FaultyError(
                Fault((), f"transform {name!r}: expected {entry.value!r} to be a Transform, got {kind(loaded)}")
            )
        return loaded
    raise _FaultyError(Fault((), f"unknown transform {name!r}; {nearest(name, names())}"))


def _built_in() -> dict[str, Transform[Any]]:
    from penstock.routing.transforms import BUILT_IN  # it declares its transforms with what stands here

    return BUILT_IN
