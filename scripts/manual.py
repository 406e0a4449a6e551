"""Write the parts of docs/ that the code itself can tell: every setting, every key of a document, every command.

``make docs`` writes them anew; the tests fail where they are out of date. The rest of each page is written by hand,
around marks: ``<!-- generated: settings -->`` ... ``<!-- end -->``.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.__main__ import cli
from penstock.models.descriptor import ModelDescriptor
from penstock.routing.document import RoutingDocument
from penstock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import BaseModel

__all__ = ["commands", "renewed"]

DOCS = Path(__file__).parent.parent / "docs"
_MARK = re.compile(r"(?P<open><!-- generated: (?P<name>[a-z ]+) -->\n).*?(?P<close><!-- end -->)", re.DOTALL)
_HELP_WIDTH = 100
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": ""}
_FORMATS = {"path": "path", "password": "secret text"}
#: What a default cannot show because it is worked out when the settings are read.
_NO_DEFAULT = "-"


def renewed(page: str) -> str:
    """Return a page's text with what stands between its marks written anew."""
    return _MARK.sub(lambda found: f"{found['open']}\n{_PARTS[found['name']]()}\n{found['close']}", page)


def settings() -> str:
    """Write a table for each section of the settings; a section in two places has one table."""
    schema = Settings.model_json_schema()
    known = {"Settings": schema, **schema["$defs"]}
    texts = []
    for name, places in _places("Settings", known).items():
        section = known[name]
        own = {
            key: value
            for key, value in section["properties"].items()
            if value.get("type") == "object" or not _models(value, known)
        }
        if own:
            title = " and ".join(f"`{place}`" for place in places if place) or "The top level"
            texts.append(_part(title, section if all(places) else {}, _table(own, known, section)))
    return "\n".join(texts)


def document() -> str:
    """Write a table for each part of the routing document, the whole first."""
    return _tables(RoutingDocument)


def descriptor() -> str:
    """Write a table for each part of a model's descriptor, the whole first."""
    return _tables(ModelDescriptor)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by what a person types: ``penstock deadletters list``."""
    group = click.Context(cli)
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        if isinstance(command, click.Group):
            within = click.Context(command, parent=group)
            for part in command.list_commands(within):
                if each := command.get_command(within, part):
                    yield f"penstock {name} {part}", each
        elif command is not None:
            yield f"penstock {name}", command


def helps() -> str:
    """Write every command's own help."""
    return "\n".join(f"## {typed}\n\n```text\n{_help(typed, command)}\n```\n" for typed, command in commands())


def _help(typed: str, command: click.Command) -> str:
    context = click.Context(command, info_name=typed, terminal_width=_HELP_WIDTH, help_option_names=["-h", "--help"])
    fresh = copy.copy(command)
    fresh._help_option = None  # noqa: SLF001 click keeps the one it made first, maybe for somebody who has no -h
    return "\n".join(line.rstrip() for line in fresh.get_help(context).splitlines())


def _places(name: str, known: Mapping[str, Any], at: str = "") -> dict[str, list[str]]:
    """Return where each model stands in the tree of models, in the order in which a reader meets them."""
    found = {name: [at]}
    for key, value in known[name]["properties"].items():
        for below in _models(value, known):
            for model, places in _places(below, known, f"{at}.{key}".lstrip(".")).items():
                found.setdefault(model, []).extend(places)
    return found


def _models(value: object, known: Mapping[str, Any]) -> list[str]:
    """Return the names of the models that a key holds, whichever way it holds them."""
    match value:
        case {"$ref": str(path)}:
            name = path.rpartition("/")[2]
            return [name] if "properties" in known[name] else []
        case dict():
            return [name for each in value.values() for name in _models(each, known)]
        case list():
            return [name for each in value for name in _models(each, known)]
        case _:
            return []


def _tables(model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    known = {schema["title"]: schema, **schema.get("$defs", {})}
    names = _places(schema["title"], known)
    return "\n".join(
        _part(_spaced(name), known[name], _table(known[name]["properties"], known, known[name])) for name in names
    )


def _part(title: str, model: Mapping[str, Any], table: str) -> str:
    said = str(model.get("description", "")).partition("\n\n")[0]
    return "\n\n".join(filter(None, (f"### {title}", _cell(said), table)))


def _table(properties: Mapping[str, Any], known: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    rows = [
        f"| `{key}` | {_value(value, known)} | {_default(key, value, owner)} | {_cell(value.get('description', ''))} |"
        for key, value in properties.items()
    ]
    return "\n".join(["| Key | Value | Default | Meaning |", "|---|---|---|---|", *rows, ""])


def _default(key: str, value: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    if key in owner.get("required", ()):
        return "required"
    found = value.get("default")
    if found is None or found in ("", [], {}):
        return _NO_DEFAULT
    return f"`{str(found).lower() if isinstance(found, bool) else found}`"


def _value(value: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Say in words which values a key takes."""
    match value:
        case {"anyOf": options} | {"oneOf": options}:
            words = ", or ".join(dict.fromkeys(filter(None, (_value(option, known) for option in options))))
        case {"$ref": path}:
            name = path.rpartition("/")[2]
            words = f"[{_spaced(name)}](#{_anchor(name)})" if _models(value, known) else _value(known[name], known)
        case {"enum": choices}:
            words = " / ".join(f"`{choice}`" for choice in choices)
        case {"type": "array"}:
            each = _value(value.get("items", {}), known)
            words = "list" if each == "any" else f"list of {each}"
        case {"type": "object", "additionalProperties": dict(each)}:
            words = f"by name: {_value(each, known)}"
        case {"type": str(kind)}:
            words = _FORMATS.get(value.get("format", ""), _TYPES.get(kind, kind)) + _bounds(value)
        case _:
            words = "any"
    return words


def _bounds(value: Mapping[str, Any]) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if "exclusiveMinimum" in value:
        return f" above {value['exclusiveMinimum']}"
    return f", at least {low}" if low is not None else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def _spaced(name: str) -> str:
    """Turn a class's name into a heading: ``RoutingDocument`` is ``Routing document``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _anchor(name: str) -> str:
    return _spaced(name).lower().replace(" ", "-")


_PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "routing document": document,
    "model descriptor": descriptor,
    "commands": helps,
}


def main() -> None:
    """Write the pages."""
    for path in sorted(DOCS.glob("*.md")):
        old = path.read_text(encoding="utf-8")
        new = renewed(old)
        if new != old:
            path.write_text(new, encoding="utf-8")
            click.echo(f"wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
