"""What is said of routing: the example is sound, the hash rule computes its vectors, names are those of the code."""

from __future__ import annotations

import re

import pytest

from penstock.routing.casebook import Expected, read_casebook
from penstock.routing.document import load
from penstock.routing.expressions import FUNCTIONS, LONGEST, VARIABLES, fault_of
from penstock.routing.split import Arm, chooser, seed, share
from tests.docs.pages import page

ROUTING = page("docs/routing.md")
VECTORS = ROUTING.table("Key")
WEIGHTS = {"champion": 60.0, "challenger": 40.0}
SEEDS = {name: seed("iris", name) for name in WEIGHTS}


def test_the_document_shown_is_sound() -> None:
    """It can be copied, and uses everything that the page is about."""
    (block,) = ROUTING.marked("document: routing")
    first, second, _ = load(block.body).routes

    assert first.split
    assert first.shadow
    assert first.when
    assert first.match.model_fields_set == {"type", "topic", "header", "field"}
    assert second.continues


@pytest.mark.parametrize("key", VECTORS)
def test_vectors_are_what_the_rule_gives(key: str) -> None:
    """To the last digit: other programs are checked against them."""
    data = b"" if key == "(empty)" else key.encode()
    choose = chooser([Arm(SEEDS[name], weight) for name, weight in WEIGHTS.items()])
    drawn = [repr(share(data, own_seed)) for own_seed in SEEDS.values()]

    assert [cell.strip("`") for cell in VECTORS[key]] == [*drawn, list(WEIGHTS)[choose(data)]]


def test_vectors_show_both_variants_and_their_seeds() -> None:
    """Hexadecimal, as other programs print them."""
    assert {cells[2].strip("`") for cells in VECTORS.values()} == set(WEIGHTS)
    assert all(f"`{own_seed:016x}` for `{name}`" in ROUTING.text for name, own_seed in SEEDS.items())


def test_cases_shown_are_sound() -> None:
    """They can be copied, and every key of an expectation is described."""
    (block,) = ROUTING.marked("casebook")
    book = read_casebook("routing.md", block.body.encode())
    section = ROUTING.section("Testing a document")

    assert len(book.cases) == 3
    assert [name for name, field in Expected.model_fields.items() if f"`{field.alias or name}`" not in section] == []


def test_names_and_functions_of_expressions_are_listed() -> None:
    """All of them, and no others."""
    section = ROUTING.section("Expressions")
    functions = section.partition("Functions: ")[2].partition("\n\n")[0]

    assert tuple(ROUTING.table("Name")) == VARIABLES
    assert set(re.findall(r"`(\w+)`", functions)) == set(FUNCTIONS)
    assert f"{LONGEST} characters" in section


def test_expressions_shown_compile() -> None:
    """Each line is one."""
    (block,) = (block for block in ROUTING.blocks if "startsWith" in block.body and block.language == "text")

    assert [fault_of(line) for line in block.body.splitlines()] == [None] * 3
