"""The README, typed line by line into a fresh checkout: every command works, and shows what the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.pages import page, unlike
from tests.e2e.checkout import Checkout
from tests.e2e.stack import BACK_S, LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.pages import Block

pytestmark = pytest.mark.timeout(LIMIT_S)

BLOCK_S = 2_400
#: How long commands wait at most for what comes in moments where nothing else is done: a busy machine is given longer.
TIMEOUT = re.compile(r"--timeout \d+")
#: Begins the comment of a YAML block that a reader is told to put into a file.
ADD_TO = "add to "
#: Begins the comment of one that shows what stands in a file already.
PART_OF = "part of "
NOT_RUN = "not run here"


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout in which nothing runs yet, and in the end nothing is left."""
    made = Checkout.copy(tmp_path_factory.mktemp("readme") / "penstock")
    try:
        yield made
    finally:
        stopped = made.run("scripts/stop.sh", BLOCK_S)
    assert stopped.status == 0, stopped.errors


def test_readme_does_what_it_says(checkout: Checkout) -> None:
    """From the first start to the stop, in the order of the page."""
    steps = [block for block in page("README.md").blocks if not block.mark.startswith(NOT_RUN)]
    ran = ""
    for block in steps:
        match block.language:
            case "sh":
                outcome = checkout.run(TIMEOUT.sub(f"--timeout {BACK_S}", block.body), BLOCK_S)
                assert outcome.status == 0, f"{block.body}\n{outcome.output}\n{outcome.errors}"
                ran = outcome.output
            case "text" if ran:  # what the block before shows; a picture has no command before it
                line = unlike(checkout.with_own_ports(block.body), ran)
                assert line is None, f"the README shows {line!r}, but this was said:\n{ran}"
                ran = ""
            case "yaml" if block.mark.startswith(ADD_TO):
                add(checkout, block)


def add(checkout: Checkout, block: Block) -> None:
    """Do what a reader does who is told to add entries, each under the key of the same name."""

    def change(tree: dict[str, Any]) -> None:
        for key, value in yaml.safe_load(block.body).items():
            if isinstance(value, list):
                tree[key] += value
            elif isinstance(value, dict):
                tree[key].update(value)
            else:
                tree[key] = value

    checkout.edit(block.mark.removeprefix(ADD_TO), change)


def test_every_block_of_the_readme_is_used() -> None:
    """None is of a kind that the test above would pass over."""
    steps = [block for block in page("README.md").blocks if not block.mark.startswith(NOT_RUN)]
    marks = {PART_OF: "part", ADD_TO: "addition"}
    found = {
        (block.language, next((name for mark, name in marks.items() if block.mark.startswith(mark)), ""))
        for block in steps
    }

    assert found == {("sh", ""), ("text", ""), ("yaml", "addition"), ("yaml", "part")}
    assert [block.language for block in steps].count("sh") >= 8
