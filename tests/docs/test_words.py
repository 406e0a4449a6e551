"""One word per thing: the glossary, and the changelog's form."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, page

GLOSSARY = page("docs/glossary.md").table("Word")
#: The words that the design began with.
FIRST = {
    "event",
    "route",
    "variant",
    "shadow",
    "request",
    "model ref",
    "result",
    "dead letter",
    "routing document",
    "job",
    "record",
}


def test_glossary_is_in_order() -> None:
    """So that a word is found."""
    words = list(GLOSSARY)

    assert words == sorted(words)


def test_glossary_has_the_words_of_the_design() -> None:
    """Each with a meaning of its own."""
    meanings = [cells[0] for cells in GLOSSARY.values()]

    assert GLOSSARY.keys() >= FIRST
    assert len(set(meanings)) == len(meanings)


def test_changelog_keeps_its_form() -> None:
    """Versions newest first, the unreleased one on top; below each only the kinds of changes that there are."""
    text = page("CHANGELOG.md").text
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))

    assert versions[0] == "Unreleased"
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_levels_of_tests_are_described() -> None:
    """Every folder of tests has its row, and every row its folder."""
    described = {name.removeprefix("tests/") for name in page("CONTRIBUTING.md").table("Folder")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    marks = re.findall(r'^  "(\w+): .*\(by folder\)"', project, re.MULTILINE)

    assert described == set(marks)
