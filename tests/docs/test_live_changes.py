"""What is said of the control topics is what the code does."""

from __future__ import annotations

import msgspec

from penstock import topics
from penstock.control.messages import VerdictKind
from penstock.control.model_signs import ModelsSign
from penstock.control.model_signs import parse as parse_of_models
from penstock.control.status import Sign, SignKind, parse
from penstock.models.catalog_events import State
from penstock.settings import Settings
from tests.docs.pages import page

PAGE = page("docs/live-changes.md")


def test_sign_that_is_shown_is_one() -> None:
    """The example is read as a sign, and would be written so."""
    (block,) = PAGE.marked("sign")
    sign = parse(block.body.encode())

    assert sign
    assert sign.encode() == block.body.strip().encode()


def test_every_field_of_a_sign_is_described() -> None:
    """Each has its row, and no others; so have the words that stand in them."""
    rows = PAGE.table("Field")
    described = [name.strip("`, ") for names in rows for name in names.split(",")]

    assert sorted(described) == sorted(field.name for field in msgspec.structs.fields(Sign))
    assert all(f"`{kind.value}`" in rows["state"][0] for kind in SignKind)
    assert all(f"`{kind.value}`" in PAGE.text for kind in VerdictKind)


def test_sign_of_models_that_is_shown_is_one() -> None:
    """The example is read as one, would be written so, and is no sign of life."""
    (block,) = PAGE.marked("models sign")
    sign = parse_of_models(block.body.encode())

    assert sign
    assert sign.encode() == block.body.strip().encode()
    assert parse(block.body.encode()) is None


def test_every_part_of_a_sign_of_models_is_described() -> None:
    """Each has its row, and no others; so have the words for a model's state."""
    rows = PAGE.table("Part")
    described = [name.strip("`, ") for names in rows for name in names.split(",")]

    assert sorted(described) == sorted(field.name for field in msgspec.structs.fields(ModelsSign))
    assert all(f"`{state.value}`" in PAGE.text for state in State)


def test_topics_are_named_and_kept_as_told() -> None:
    """Their names, and that nothing of the history goes before its time."""
    declared = {topic.name: topic.config for topic in topics.internal_topics(Settings())}
    routing, status = topics.control_routing("penstock"), topics.control_status("penstock")

    assert all(f"`{name}`" in PAGE.text for name in (routing, status))
    for name in (routing, topics.control_models("penstock")):
        assert declared[name]["cleanup.policy"] == "compact"
        assert declared[name]["min.compaction.lag.ms"] == str(Settings().topics.retention_ms)
