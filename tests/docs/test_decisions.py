"""Decisions have one form, and the index has all of them. Their numbers are checked by the tests of architecture."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, page

DECISIONS = [Page(path) for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))]
INDEX = page("docs/adr/README.md")
SECTIONS = ["Status", "Context", "Decision", "Consequences"]


@pytest.mark.parametrize("each", DECISIONS, ids=lambda each: each.name)
def test_decision_has_its_sections(each: Page) -> None:
    """In this order, and none of them empty."""
    headings = re.findall(r"^## (.+)$", each.text, re.MULTILINE)

    assert headings == SECTIONS
    assert all(each.section(heading).strip() for heading in headings)


@pytest.mark.parametrize("each", DECISIONS, ids=lambda each: each.name)
def test_index_has_the_decision_by_its_title(each: Page) -> None:
    """With a link that says what the file says."""
    number, _, title = each.text.splitlines()[0].removeprefix("# ").partition(" ")

    assert INDEX.table("Number")[number] == [f"[{title}]({each.path.name})"]


def test_index_has_no_other_decisions() -> None:
    """A line for each, in their order."""
    assert list(INDEX.table("Number")) == [each.path.name[:4] for each in DECISIONS]
