"""Splits and ramps of a routing document: what they may say, and what is said of wrong ones."""

from typing import Any

import pytest
import yaml

from penstock.errors import RoutingDocumentError
from penstock.routing.document import load, parse
from penstock.testing.builders import document, route

RAMP = {"from": 0, "to": 10, "over": "2h", "steps": 4}
RAMPED = {"name": "b", "ramp": RAMP, "model": "iris-tree"}
VARIANT = {"name": "a", "weight": 1, "model": "iris-tree"}


def plain(**changes: Any) -> dict[str, Any]:
    """A document in plain data, whose first route has these keys replaced."""
    return document().model_dump() | {"routes": [route(**changes)]}


def faults(**changes: Any) -> list[str]:
    """What is said of it."""
    try:
        parse(plain(**changes))
    except RoutingDocumentError as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"by": "kee"}, "by: got 'kee'; did you mean 'key'?"),
        ({"by": {"field": "a", "header": "b"}}, "by: expected exactly one of field or header, got 2"),
        ({"by": {"feld": "a"}}, "by: expected exactly one of field or header, got 0"),
        ({"variants": []}, "variants: must not be empty"),
        ({"variants": [VARIANT, VARIANT]}, "variants[1].name: 'a' stands at variants[0] already"),
        ({"variants": [VARIANT | {"name": "a b"}]}, "variants[0].name: string should match pattern"),
        ({"variants": [VARIANT | {"weight": -1}]}, "variants[0].weight: input should be greater than or equal to 0"),
        ({"variants": [VARIANT | {"weight": float("nan")}]}, "variants[0].weight: input should be"),
        ({"variants": [VARIANT | {"weight": None}]}, "variants[0]: a variant has a weight or a ramp, got neither"),
        ({"variants": [VARIANT | {"ramp": RAMP}]}, "variants[0]: a variant has a weight or a ramp, got both"),
        ({"variants": [VARIANT | {"weight": 0}]}, "variants: at every time at least one variant needs a weight above"),
        ({"variants": [RAMPED]}, "variants: at every time at least one variant needs a weight above 0; between its"),
        ({"variants": [VARIANT, RAMPED | {"ramp": RAMP | {"over": "1w"}}]}, "variants[1].ramp.over: expected a whole"),
        ({"variants": [VARIANT, RAMPED | {"ramp": RAMP | {"steps": 0}}]}, "variants[1].ramp.steps: input should be"),
        ({"variants": [VARIANT, RAMPED | {"ramp": RAMP | {"start": "soon"}}]}, "variants[1].ramp.start: expected a"),
        ({"variants": [VARIANT, RAMPED | {"ramp": RAMP | {"frm": 1}}]}, "variants[1].ramp.frm: unknown key 'frm'; did"),
        ({"overrides": {"u1": "b"}}, "overrides.u1: no such variant 'b'; expected one of 'a'"),
        ({"salt": ""}, "salt: must not be empty"),
    ],
)
def test_wrong_splits_are_refused(changes: dict[str, Any], expected: str) -> None:
    """Each fault has its place in the split."""
    found = faults(model=None, split={"variants": [VARIANT]} | changes)

    assert any(fault.startswith(f"routes[0].split.{expected}") for fault in found), found


def test_keys_that_are_words_of_python_keep_their_names() -> None:
    """In documents, in dumps, and in what is said of them."""
    found = document(
        routes=[route(model=None, split={"variants": [VARIANT, RAMPED]}, **{"continue": True}), route("b")]
    )
    split = found.model_dump()["routes"][0]["split"]

    assert found.routes[0].continues
    assert split["variants"][1]["ramp"]["from"] == 0
    assert load(found.model_dump_json()) == load(found.model_dump_json(exclude_none=True)) == found


def test_times_in_yaml_are_text() -> None:
    """YAML would make dates of them, which are no text."""
    text = yaml.safe_dump(plain(model=None, split={"variants": [VARIANT, RAMPED]}))

    found = load(text.replace("over: 2h", "over: 2h, start: 2026-01-31T18:00:00+01:00".replace(", ", "\n        ")))
    (_, ramped) = found.routes[0].split.variants if found.routes[0].split else ()

    assert ramped.ramp is not None
    assert ramped.ramp.start == "2026-01-31T18:00:00+01:00"
