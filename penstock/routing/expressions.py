"""Expressions of routes (`when`): CEL, run by its authors' own library, with everything left out that takes long.

An expression sees one event and nothing else. It cannot loop: CEL's macros over lists are refused, because on large
events they take minutes and gigabytes; texts are searched only for what stands in the expression; and expressions are
short. docs/adr/0009 has the measurements.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import ExpressionError
from penstock.routing.faults import nearest
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.routing.match import Seen

__all__ = ["FUNCTIONS", "LONGEST", "VARIABLES", "Expression", "expression", "fault_of"]

VARIABLES = ("event", "key", "headers", "type", "topic")
"""What an expression sees."""

FUNCTIONS = (
    *("has", "size", "startsWith", "endsWith", "contains", "matches"),
    *("int", "uint", "double", "string", "bool", "type", "timestamp", "duration"),
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
"""What an expression can call."""

LONGEST = 2_000
"""Characters of an expression at most: what a search in a text of a megabyte costs, times as many as fit in."""

# A search for what the event itself says could take the square of its size.
_SEARCHES = {"contains", "matches"}
# CEL has a function of this name, and takes it for that; as long as the name, so that columns in messages are right.
_TYPE = "_typ"
# Texts as CEL's own grammar has them: what it takes for code must not pass for text here.
_TOKEN = re.compile(
    r"""\s+ | //[^\n]*
    | (?P<text>
        [bB]?[rR](?: \"{3}.*?\"{3} | '{3}.*?'{3} | "[^"\r\n]*" | '[^'\r\n]*' )
      | [bB]?(?: \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3}
               | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*' ) )
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | [0-9][0-9A-Za-z.]* | . """,
    re.VERBOSE | re.DOTALL,
)
_COMPILE_ERROR = re.compile(r"<input>:(\d+):(\d+): ([^|\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '(\w+)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


class _Token(NamedTuple):
    text: str
    start: int
    is_name: bool
    is_text: bool


class Expression:
    """A compiled expression. Raises `ValueError`, saying why, for a text that is none; `fault_of` asks beforehand."""

    def __init__(self, text: str) -> None:
        tokens = _tokens(text)
        _refuse(text, tokens)
        self._program = _compiled(_renamed(text, tokens))
        names = {token.text for number, token in enumerate(tokens) if _is_variable(tokens, number)}
        self.fields = _parts(tokens, "event") if "event" in names else frozenset[str]()
        """The event's fields that it looks at; None where it looks at the event as a whole."""
        self._headers = _parts(tokens, "headers") if "headers" in names else frozenset[str]()
        self._names = names & set(VARIABLES)

    def holds(self, seen: Seen) -> bool:
        """Say whether an event meets it. Raises `ExpressionError` where that cannot be computed."""
        data: dict[str, object] = {}
        for name in self._names:
            if name == "event":
                data[name] = seen.event() if self.fields is None else _only(seen.fields(), self.fields)
            elif name == "headers":
                data[name] = seen.headers() if self._headers is None else _only(seen.headers(), self._headers)
            elif name == "type":
                data[_TYPE] = seen.event_type
            else:
                data[name] = _key_text(seen.key) if name == "key" else seen.topic
        try:
            answer = self._program.eval(data=data)
            found = answer.value()
        except Exception as error:  # the library raises whatever it likes; it is about this event all the same
            raise ExpressionError(f"the expression cannot be computed: {_plain(error)}") from error
        if found is True or found is False:
            return found
        if answer.type().name() == "ERROR":
            raise ExpressionError(f"the expression cannot be computed: {_plain(found)}")
        raise ExpressionError(f"expected the expression to be true or false, got {kind(found)}")


@lru_cache(maxsize=16_384)  # a document is checked and then compiled, and most of the next one is the same
def expression(text: str) -> Expression:
    """Return the expression that a text is. Raises `ValueError` as `Expression` does."""
    return Expression(text)


def fault_of(text: str) -> str | None:
    """Say what is wrong with an expression, if anything is."""
    try:
        expression(text)
    except ValueError as error:
        return str(error)
    return None


def _tokens(text: str) -> list[_Token]:
    found = (match for match in _TOKEN.finditer(text) if match[0].strip() and not match[0].startswith("//"))
    return [_Token(match[0], match.start(), bool(match["name"]), bool(match["text"])) for match in found]


def _refuse(text: str, tokens: Sequence[_Token]) -> None:
    """Raise `ValueError` for what CEL would take, but Penstock does not."""
    if len(text) > LONGEST:
        raise ValueError(f"expected an expression of at most {LONGEST} characters, got {len(text)}")
    for number, token in enumerate(tokens):
        if token.is_name and token.text.startswith("_"):
            raise ValueError(f"unknown name {token.text!r}; {nearest(token.text, VARIABLES)}")
        if not token.is_name or token.text == "in" or _text(tokens, number + 1) != "(":
            continue
        if token.text not in FUNCTIONS:
            raise ValueError(f"expressions have no function {token.text!r}; {nearest(token.text, FUNCTIONS)}")
        literal = number + 2 < len(tokens) and tokens[number + 2].is_text and _text(tokens, number + 3) == ")"
        if token.text in _SEARCHES and not literal:
            raise ValueError(f"{token.text}(...) takes one text in quotes, so that no event can make a search long")
        if token.text == "matches":
            _check_pattern(tokens[number + 2].text)


def _check_pattern(literal: str) -> None:
    answer = _compiled(f'"".matches({literal})').eval(data={})
    if answer.type().name() == "ERROR":
        raise ValueError(f"matches(...) takes a regular expression of RE2: {_plain(answer.value())}")


def _text(tokens: Sequence[_Token], number: int) -> str:
    return tokens[number].text if 0 <= number < len(tokens) else ""


def _is_variable(tokens: Sequence[_Token], number: int) -> bool:
    return tokens[number].is_name and _text(tokens, number - 1) != "." and _text(tokens, number + 1) != "("


def _renamed(text: str, tokens: Sequence[_Token]) -> str:
    for number, token in enumerate(tokens):
        if token.text == "type" and _is_variable(tokens, number):
            text = f"{text[: token.start]}{_TYPE}{text[token.start + len(_TYPE) :]}"
    return text


def _parts(tokens: Sequence[_Token], variable: str) -> frozenset[str] | None:
    """Return the keys by which a variable is looked into; None where it is used in any other way."""
    found = set()
    for number, token in enumerate(tokens):
        if token.text != variable or not _is_variable(tokens, number):
            continue
        follow = [_text(tokens, number + after) for after in (1, 2, 3)]
        name = tokens[number + 2] if number + 2 < len(tokens) else None
        if name is not None and name.is_name and follow[0] == "." and follow[2] != "(":
            found.add(name.text)
        elif name is not None and follow[0] == "[" and follow[2] == "]" and _is_plain(name):
            found.add(name.text[1:-1])
        else:
            return None
    return frozenset(found)


def _is_plain(token: _Token) -> bool:
    return token.is_text and token.text[0] in "\"'" and "\\" not in token.text and token.text[1:2] != token.text[0]


def _only(holder: Mapping[str, object], names: frozenset[str]) -> dict[str, object]:
    return {name: holder[name] for name in names if name in holder}


def _key_text(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=1)
def _environment() -> Any:
    from cel_expr_python import cel  # only documents with expressions pay for it

    kinds = cel.Type
    texts = kinds.Map(kinds.STRING, kinds.STRING)
    return cel.NewEnv(
        variables={"event": kinds.DYN, "key": kinds.DYN, "headers": texts, _TYPE: kinds.STRING, "topic": kinds.STRING}
    )


def _compiled(text: str) -> Any:
    try:
        program = _environment().compile(text)
    except Exception as error:
        raise ValueError(_refusal(str(error))) from error
    found = program.return_type().name()
    if found not in {"BOOL", "DYN"}:
        raise ValueError(f"expected an expression that is true or false, got one of type {found.lower()}")
    return program


def _refusal(said: str) -> str:
    """Say in one line what the library says of a text that it cannot compile."""
    unknown = _UNDECLARED.search(said)
    if unknown:
        return f"unknown name {unknown[1]!r}; {nearest(unknown[1], VARIABLES)}"
    found = _COMPILE_ERROR.search(said.replace(_TYPE, "type"))
    return f"line {found[1]}, column {found[2]}: {found[3].strip()}" if found else _plain(said)


def _plain(said: object) -> str:
    return " ".join(_STATUS.sub("", str(said).replace(_TYPE, "type")).split())
