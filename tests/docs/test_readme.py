"""What the README shows of files is in them; its commands are run by tests/e2e/test_readme.py."""

from __future__ import annotations

from typing import Any

import yaml

from tests.docs.pages import ROOT, page

PART_OF = "part of "


def test_parts_of_documents_stand_in_them() -> None:
    """Each route that is shown has those keys there, with those values."""
    blocks = page("README.md").marked(PART_OF)

    assert blocks
    for block in blocks:
        text = (ROOT / block.mark.removeprefix(PART_OF)).read_text(encoding="utf-8")
        routes: dict[str, dict[str, Any]] = {route["name"]: route for route in yaml.safe_load(text)["routes"]}
        for shown in yaml.safe_load(block.body):
            route = routes[shown["name"]]
            assert {key: route[key] for key in shown} == shown
