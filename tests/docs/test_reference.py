"""Settings, documents and commands: everything that there is, is described, and as it is now."""

from __future__ import annotations

import re

import click
import pytest

from penstock import settings
from penstock.cli.exits import Exit
from scripts.manual import commands, renewed
from tests.docs.pages import every_page, page

CLI = page("docs/cli.md")
CONFIGURATION = page("docs/configuration.md")


@pytest.mark.parametrize("each", every_page(), ids=lambda each: each.name)
def test_made_parts_are_current(each: object) -> None:
    """`make docs` would change nothing."""
    assert renewed(each.text) == each.text


@pytest.mark.parametrize("key", list(settings.keys()))
def test_every_setting_is_described(key: str) -> None:
    """By its section and name, with what it takes, its default and what it means."""
    section, _, name = key.rpartition(".")
    heading = next(
        found
        for found in re.findall(r"^### (.+)$", CONFIGURATION.text, re.MULTILINE)
        if (f"`{section}`" in found if section else found == "The top level")
    )
    row = re.search(rf"^\| `{name}` \| (.+) \| (.+) \| (.+) \|$", CONFIGURATION.section(heading), re.MULTILINE)

    assert row, f"{key} has no row below {heading!r}"
    assert all(cell.strip() for cell in row.groups()), key


@pytest.mark.parametrize("key", list(settings.keys()))
def test_every_quantity_has_its_unit(key: str) -> None:
    """A name that ends in a unit says so in words too."""
    units = {"ms": "millisecond", "s": "second", "mb": "MiB", "bytes": "bytes"}
    name = key.rpartition(".")[2]
    row = re.search(rf"^\| `{name}` \|.*$", CONFIGURATION.text, re.MULTILINE)

    assert row
    assert units.get(name.rpartition("_")[2], "") in row[0]


def test_no_key_is_without_meaning() -> None:
    """Of settings, documents and descriptors alike."""
    empty = re.findall(r"^\| `\w+` \|.*\|\s*\|$", CONFIGURATION.text, re.MULTILINE)

    assert empty == []


@pytest.mark.parametrize(("typed", "command"), list(commands()), ids=str)
def test_every_command_is_described(typed: str, command: click.Command) -> None:
    """With each of its options and arguments."""
    section = CLI.section(typed)
    names = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]

    assert [name for name in names if name.startswith("-") and name not in section] == []


@pytest.mark.parametrize(("typed", "command"), list(commands()), ids=str)
def test_every_option_says_what_it_does(typed: str, command: click.Command) -> None:
    """No option is left to be guessed."""
    options = [each for each in command.params if isinstance(each, click.Option)]

    assert [each.opts for each in options if not each.help] == [], typed


def test_exit_statuses_are_those_of_the_code() -> None:
    """Number and name of each, and no others."""
    found = {int(number): cells[0].strip("`") for number, cells in CLI.table("Status").items()}

    assert found == {status.value: status.name for status in Exit}
