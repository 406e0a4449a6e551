"""Examples of configuration: each is run, and says what the code says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from penstock import settings
from penstock.errors import RoutingDocumentError, SettingsError, TransformError
from penstock.models.descriptor import ModelDescriptor
from penstock.routing.document import load
from penstock.routing.registry import Side, pipeline, read
from penstock.routing.transforms import BUILT_IN
from penstock.settings import Settings
from tests.docs.pages import ROOT, every_page, page, unlike

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.pages import Block

CONFIGURATION = page("docs/configuration.md")
EXAMPLES = CONFIGURATION.marked("example")


def comment(block: Block, name: str) -> str | None:
    """What an example says that goes in or comes out, or how it fails."""
    found = re.search(rf"^# {name}: (.+)$", block.body, re.MULTILINE)
    return found[1] if found else None


def run(block: Block) -> object:
    """Run an example on the side of the route where its transforms may stand."""
    steps: list[Any] = yaml.safe_load(block.body)
    name = steps[0] if isinstance(steps[0], str) else next(iter(steps[0]))
    bound, faults = read(steps, next(side for side in Side if side in BUILT_IN[name].sides))
    assert faults == []
    return pipeline(bound)(json.loads(comment(block, "in") or ""))


@pytest.mark.parametrize("block", [block for block in EXAMPLES if comment(block, "out")], ids=lambda block: block.body)
def test_transform_does_what_its_example_says(block: Block) -> None:
    """To the order of fields and the kind of numbers."""
    assert json.dumps(run(block), ensure_ascii=False) == comment(block, "out")


@pytest.mark.parametrize(
    "block", [block for block in EXAMPLES if comment(block, "fault")], ids=lambda block: block.body
)
def test_transform_fails_as_its_example_says(block: Block) -> None:
    """The text is that of the dead letter."""
    with pytest.raises(TransformError, match=f"^{re.escape(comment(block, 'fault') or '')}$"):
        run(block)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_transform_has_a_section(name: str) -> None:
    """With an example, all of its parameters, and the lists that it may stand in."""
    section, transform = CONFIGURATION.section(name), BUILT_IN[name]
    stands = {
        frozenset(Side): "Stands in either list",
        frozenset({Side.EVENT}): "Stands in `transform` only",
        frozenset({Side.RESULT}): "Stands in\n`output.transform` only",
    }

    assert f"- {name}" in section
    assert stands[transform.sides].replace("\n", " ") in section.replace("\n", " ")
    parameters = set(transform.parameters.model_fields) - {"root"}
    assert [each for each in parameters if f"| `{each}` |" not in section] == []


def test_no_other_transforms_are_described() -> None:
    """A section of a transform that is gone is gone too."""
    headings = re.findall(r"^### (\w+)$", CONFIGURATION.section("Transforms"), re.MULTILINE)

    assert set(headings) == set(BUILT_IN)


@pytest.mark.parametrize("block", [block for each in every_page() for block in each.marked("document")], ids=str)
def test_examples_of_routing_documents_are_valid(block: Block) -> None:
    """They can be copied."""
    assert load(block.body).routes


def test_faults_of_a_document_are_told_as_shown() -> None:
    """All at once, each with its place."""
    (block,) = CONFIGURATION.marked("faults: document")
    text = page("docs/configuration.md").marked("document")[0].body
    broken = text.replace("format: json,", "format: jsn,").replace("model: iris-tree\n", "modle: iris-tree\n")

    with pytest.raises(RoutingDocumentError, match=r"^the routing document has 3 faults") as caught:
        load(broken)

    assert str(caught.value) == block.body.rstrip("\n")


def test_faults_of_settings_are_told_as_shown(tmp_path: Path) -> None:
    """With the key that was probably meant."""
    (block,) = CONFIGURATION.marked("faults: settings")
    file = tmp_path / "penstock.yaml"
    file.write_text("flink: {paralelism: 2}", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"^the settings have 1 fault") as caught:
        settings.load(file)

    assert unlike(block.body, str(caught.value)) is None


def test_descriptor_shown_is_the_samples() -> None:
    """A part of it, in the same words."""
    (block,) = CONFIGURATION.marked("descriptor: ")
    shown = yaml.safe_load(block.body)
    whole = yaml.safe_load((ROOT / block.mark.removeprefix("descriptor: ")).read_text(encoding="utf-8"))

    assert ModelDescriptor.parse(shown, "the page")
    assert shown == {key: whole[key] for key in shown}


@pytest.mark.parametrize("block", [block for each in every_page() for block in each.marked("descriptor")], ids=str)
def test_examples_of_descriptors_are_accepted(block: Block) -> None:
    """Wherever they stand."""
    assert ModelDescriptor.parse(yaml.safe_load(block.body), "the page")


@pytest.mark.parametrize("block", [block for each in every_page() for block in each.marked("settings")], ids=str)
def test_examples_of_settings_are_accepted(block: Block) -> None:
    """With the password that goes with them."""
    tree = yaml.safe_load(block.body)
    if "sasl_username" in tree.get("kafka", {}).get("external", {}):
        tree["kafka"]["external"]["sasl_password"] = "secret"

    assert Settings(**tree).kafka.external.bootstrap_servers
