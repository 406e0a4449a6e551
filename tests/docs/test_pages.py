"""All documents: links lead somewhere, what is named exists, and nothing tells of somebody's machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ROOT, Page, every_page, page

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = every_page()
#: Folders that git does not have: built, fetched or written by a running stack.
MADE = (".venv", ".penstock", "dist", "requirements")
#: Sites of the documents' own: specifications, and hosts of examples.
SITES = {"github.com", "keepachangelog.com", "semver.org"}
LONGEST_LINE = 120


def pages() -> pytest.MarkDecorator:
    """Run a test for each document."""
    return pytest.mark.parametrize("each", PAGES, ids=lambda each: each.name)


@pages()
def test_links_lead_somewhere(each: Page) -> None:
    """Every link inside the project names a file that is there and a heading that the file has."""
    dead = []
    for link in each.links:
        if urlsplit(link).scheme:
            continue
        file, _, anchor = link.partition("#")
        target = (each.path.parent / file).resolve() if file else each.path
        if not target.exists() or (anchor and anchor not in Page(target).anchors):
            dead.append(link)

    assert dead == []


@pages()
def test_headings_can_be_linked(each: Page) -> None:
    """No two headings of a document have the same anchor; only a changelog repeats its own in every version."""
    anchors = each.anchors if each.name != "CHANGELOG.md" else []

    assert sorted(set(anchors)) == sorted(anchors)


@pages()
def test_only_known_sites_are_linked(each: Page) -> None:
    """Documents need nothing from elsewhere; addresses in examples end in `.example` or are this machine's."""
    hosts = {urlsplit(found).hostname or "" for found in re.findall(r"https?://[^\s`)>]+", each.text)}

    assert {host for host in hosts if host not in SITES | {"127.0.0.1"} and not host.endswith(".example")} == set()


@pages()
def test_no_path_of_a_machine_is_named(each: Page) -> None:
    """Absolute paths are somebody's; the only ones are those of examples and of Linux itself."""
    found = re.findall(r"(?<![\w.*>}/:\"$])/(?:[a-z]+)/[\w/.-]+", each.text)

    assert [path for path in found if not path.startswith("/opt/penstock")] == []


def test_every_document_can_be_found() -> None:
    """From the README, link by link."""
    reached: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        here = page(name)
        targets = ((here.path.parent / link.partition("#")[0]).resolve() for link in here.links if "://" not in link)
        waiting += [str(target.relative_to(ROOT)) for target in targets if target.suffix == ".md" and target.exists()]

    assert {each.name for each in PAGES} <= reached


def paths_in(each: Page) -> Iterator[str]:
    """What in backticks looks like a path of this project."""
    tops = {path.name for path in ROOT.iterdir()} | {"models", "config", "docs"}
    for code in each.code:
        head, slash, _ = code.partition("/")
        if slash and head in tops and not re.search(r"[<*\s]", code) and head not in MADE:
            yield code


@pages()
def test_named_files_exist(each: Page) -> None:
    """A path in backticks that begins like one of ours is one of ours."""
    absent = [path for path in paths_in(each) if not (ROOT / path.rstrip("/")).exists()]

    assert absent == []


@pages()
def test_text_lines_are_short(each: Page) -> None:
    """So that a change shows what changed. Tables, blocks and what is made from the code are as long as they are."""
    prose = re.sub(r"<!-- generated.*?<!-- end -->", "", each.prose, flags=re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > LONGEST_LINE and not line.startswith("|")]

    assert long == []
