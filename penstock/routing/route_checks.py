"""Checks of one route of a routing document, in plain data: what its models cannot tell, because keys depend on others.

Whatever is not as it should be is passed over: the models tell of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penstock.errors import ModelRefError
from penstock.models.ref import ModelRef
from penstock.routing.document import Split
from penstock.routing.expressions import fault_of
from penstock.routing.faults import Fault, nearest
from penstock.routing.ramp import without_weight
from penstock.routing.registry import Side, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parts", "route_faults", "twice"]


def parts(holder: object, key: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Yield those parts of a list that are objects, with their numbers."""
    found = holder.get(key) if isinstance(holder, dict) else None
    for number, part in enumerate(found if isinstance(found, list) else ()):
        if isinstance(part, dict):
            yield number, part


def twice(found: list[tuple[int, dict[Any, Any]]], place: tuple[str | int, ...], key: str) -> Iterator[Fault]:
    """Tell of names that two parts of a list have."""
    seen: dict[str, int] = {}
    for number, part in found:
        name = part.get(key)
        if not isinstance(name, str):
            continue
        if name in seen:
            # Of a list inside a route, the route's own place goes in front of this later.
            where = ".".join(map(str, place))
            yield Fault((*place, number, key), f"{name!r} stands at {where}[{seen[name]}] already")
        seen.setdefault(name, number)


def route_faults(route: dict[Any, Any], models: object) -> Iterator[Fault]:
    """Yield the faults of a route, each with its place in it; ``models`` are the document's."""
    yield from _transforms(route)
    yield from _when(route)
    yield from _ranges(route)
    yield from _scoring(route)
    for place, text in _refs(route):
        yield from (fault.below(*place) for fault in _ref(text, models))
    shadows = [(number, {"name": _label(part)}) for number, part in parts(route, "shadow")]
    for fault in twice(shadows, ("shadow",), "name"):
        yield Fault(fault.place[:-1], f"{fault.message}; give one of them a name of its own")


def _transforms(route: dict[Any, Any]) -> Iterator[Fault]:
    output = route.get("output")
    lists = ((("transform",), route, Side.EVENT), (("output", "transform"), output, Side.RESULT))
    for place, part, side in lists:
        items = part.get("transform") if isinstance(part, dict) else None
        if isinstance(items, list):
            yield from (fault.below(*place) for fault in read(items, side)[1])
    if isinstance(output, dict) and output.get("separator") is not None and output.get("format") != "tagged":
        yield Fault(("output", "separator"), "only tagged outputs have one")


def _when(route: dict[Any, Any]) -> Iterator[Fault]:
    when = route.get("when")
    if isinstance(when, str) and when:
        fault = fault_of(when)
        if fault is not None:
            yield Fault(("when",), fault)
    elif route.get("on_error") == "dead-letter":
        yield Fault(("on_error",), "only routes with an expression (when) can fail to match; remove this key")


def _ranges(route: dict[Any, Any]) -> Iterator[Fault]:
    match = route.get("match")
    fields = match.get("field") if isinstance(match, dict) else None
    for name, condition in fields.items() if isinstance(fields, dict) else ():
        if condition == {}:
            yield Fault(("match", "field", name), "a range has at least one of gt, gte, lt, lte")


def _scoring(route: dict[Any, Any]) -> Iterator[Fault]:
    split = route.get("split")
    if route.get("model") is None and split is None:
        yield Fault(("model",), "is missing; a route has a model, or a split between several")
    elif route.get("model") is not None and split is not None:
        yield Fault(("split",), "a route has a model or a split, not both; remove one of them")
    if isinstance(split, dict):
        yield from (fault.below("split") for fault in _split(split))


def _split(split: dict[Any, Any]) -> Iterator[Fault]:
    by = split.get("by")
    given = [name for name in ("field", "header") if isinstance(by, dict) and by.get(name) is not None]
    if isinstance(by, dict) and len(given) != 1:
        yield Fault(("by",), f"expected exactly one of field or header, got {len(given)}")
    variants = list(parts(split, "variants"))
    yield from twice(variants, ("variants",), "name")
    for number, variant in variants:
        weights = [name for name in ("weight", "ramp") if variant.get(name) is not None]
        if len(weights) != 1:
            found = "both" if weights else "neither"
            yield Fault(("variants", number), f"a variant has a weight or a ramp, got {found}")
    names = [variant["name"] for _, variant in variants if isinstance(variant.get("name"), str)]
    overrides = split.get("overrides")
    for key, name in overrides.items() if isinstance(overrides, dict) else ():
        if isinstance(name, str) and name not in names:
            yield Fault(("overrides", key), f"no such variant {name!r}; {nearest(name, names)}")
    if not any(type(part.get("weight")) in {int, float} and part["weight"] > 0 for _, part in variants):
        yield from _weights(split)


def _weights(split: dict[Any, Any]) -> Iterator[Fault]:
    try:
        sound = Split.model_validate(split)
    except ValidationError:
        return
    if without_weight(sound):
        rule = "at every time at least one variant needs a weight above 0"
        ramps = any(variant.ramp for variant in sound.variants)
        yield Fault(("variants",), f"{rule}{'; between its ramps this split has a time without' if ramps else ''}")


def _label(shadow: dict[Any, Any]) -> object:
    return shadow.get("model") if shadow.get("name") is None else shadow["name"]


def _refs(route: dict[Any, Any]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    yield ("model",), route.get("model")
    for number, variant in parts(route.get("split"), "variants"):
        yield ("split", "variants", number, "model"), variant.get("model")
    for number, shadow in parts(route, "shadow"):
        yield ("shadow", number, "model"), shadow.get("model")


def _ref(text: object, models: object) -> Iterator[Fault]:
    if not isinstance(text, str) or not text or not isinstance(models, dict):
        return
    try:
        ref = ModelRef.parse(text)
    except ModelRefError as error:
        yield Fault((), str(error))
        return
    if ref.name not in models:
        near = nearest(ref.name, map(str, models))
        yield Fault((), f"model {ref.name!r} stands not under models, so no job scores it; {near}")
