"""What operators are told of ports, logs and permissions is what the code does."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from input_adapter.misses import Misses
from penstock import topics
from penstock.deployables import SCORING, chosen
from penstock.local import jobs, machine, parts
from penstock.local.layout import Layout
from penstock.routing.document import load
from penstock.settings import Settings
from penstock.testing.metrics import CountedMetrics
from penstock.unwritten import Unwritten
from tests.docs.pages import ROOT, every_page, page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.pages import Page

OPERATIONS = page("docs/operations.md")
SETTINGS = Settings()
PORTS = machine.ports(SETTINGS, model_server=True)
#: Where a stranger has to read them (the README shows addresses), and where they are set.
MAY_NAME_PORTS = {"README.md", "docs/operations.md", "docs/configuration.md", "config/penstock.yaml"}
ONE_PLACE = "penstock/sections.py"


def test_ports_are_those_of_the_settings() -> None:
    """Each with its default, and no others."""
    found = {cells[0].strip("`"): int(port) for port, cells in OPERATIONS.table("Default").items()}

    assert found == PORTS


@pytest.mark.parametrize("each", every_page(), ids=lambda each: each.name)
def test_documents_name_ports_in_one_place(each: Page) -> None:
    """A port that changes is not looked for on every page; addresses of examples are somebody else's."""
    text = re.sub(r"[\w.-]+\.example:\d+|broker-\d:\d+", "", each.text)
    found = {port for port in PORTS.values() if re.search(rf"\b{port}\b", text)}

    assert found == set() or each.name in MAY_NAME_PORTS


def python_files() -> list[Path]:
    """The shipped code."""
    packages = ("penstock", "input_adapter", "output_adapter", "jobs")
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def test_code_names_ports_in_one_place() -> None:
    """The settings' defaults; everything else asks the settings."""
    naming = {
        str(path.relative_to(ROOT))
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in set(PORTS.values())
    }

    assert naming == {ONE_PLACE}


def test_logs_are_those_that_are_written() -> None:
    """One for each process, and one for submissions."""
    told = set(re.findall(r"`([\w-]+)\.log`", OPERATIONS.section("Logs")))

    assert told == {*parts.servers(SETTINGS), *parts.OPTIONAL, "supervisord", "kafka-format", jobs.SUBMIT}


def test_state_folders_are_those_of_the_layout() -> None:
    """And what a purge deletes is what is said to be deleted."""
    rows = OPERATIONS.table("Folder")
    layout = Layout.of(SETTINGS)
    told = {folder.strip("` "): cells[1] for names, cells in rows.items() for folder in names.split(",")}
    removed = {path.name for path in layout.removable()}

    assert {name for name, deleted in told.items() if deleted != "you"} == removed
    assert SETTINGS.local.jars_dir.name in told


def test_consumer_groups_are_named() -> None:
    """Whoever grants permissions has to know them."""
    section = OPERATIONS.section("Your own Kafka")

    prefix = SETTINGS.topics.prefix
    groups = [each.group(prefix) for each in chosen(SCORING)] + [each.shadow_group(prefix) for each in SCORING.values()]
    assert [group for group in groups if f"`{group}`" not in section] == []


def test_sizes_of_topics_are_those_that_are_needed() -> None:
    """Whoever makes the topics reads the numbers here, with the settings' defaults."""
    told = {
        name.strip("`"): cells[0]
        for names, cells in OPERATIONS.table("Topic").items()
        for name in names.split(", ")
        if name.startswith(("`", "penstock."))
    }
    plan = topics.topics_for(load(ROOT / "config" / "routing.yaml"), SETTINGS)
    needed = {topic.name: str(topic.needs_bytes) for topic in plan.internal}
    model = topics.request_topic(SETTINGS.topics.prefix, "pmml", "iris-tree")

    assert told.pop(topics.request_topic(SETTINGS.topics.prefix, "<job>", "<model>")) == needed[model]
    assert told == {name: size for name, size in needed.items() if name in told}
    assert {topic.name for topic in topics.internal_topics(SETTINGS)} == told.keys()


def test_counters_are_those_of_the_code() -> None:
    """By the names that Flink shows."""
    counted = CountedMetrics()
    Unwritten(counted)
    Misses(counted)

    assert OPERATIONS.table("Counter").keys() == counted.counts.keys()


def test_versions_are_those_that_are_pinned() -> None:
    """A file name with a version in it is the one that Maven and pip bring."""
    pins = (ROOT / "requirements" / "core.txt").read_text(encoding="utf-8")
    flink = re.search(r"^apache-flink==(.+)$", pins, re.MULTILINE)

    assert flink
    assert set(re.findall(r"flink-python-([\d.]+)\.jar", OPERATIONS.text)) == {flink[1]}
    assert f"Flink {flink[1].rpartition('.')[0]} " in OPERATIONS.text
