"""The routing document: what it may say, and what is said of one that is wrong."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from penstock.deployables import SCORING
from penstock.errors import RoutingDocumentError
from penstock.routing import schema
from penstock.routing.document import UnmatchedTopic, load, parse
from penstock.testing.builders import document, route

CONFIG = Path(__file__).parents[3] / "config"
VARIANT = {"name": "a", "weight": 1, "model": "iris-tree"}
SOURCE = {"topic": "events", "format": "json", "type": {"field": "type"}}
CSV = {"topic": "rows", "format": "csv", "columns": ["kind", "n"], "type": {"field": "kind"}}


def plain(**changes: Any) -> dict[str, Any]:
    """A sound document in plain data; keys given replace the document's."""
    return document().model_dump() | {"routes": [route()]} | changes


def faults(data: object, prefix: str = "penstock") -> list[str]:
    """What is said of a document."""
    try:
        parse(data, prefix=prefix)
    except RoutingDocumentError as error:
        return list(error.faults)
    return []


def source_faults(**source: Any) -> list[str]:
    """What is said of a document with this one source."""
    return faults(plain(sources=[source]))


def route_faults(**changes: Any) -> list[str]:
    """What is said of a document whose one route has these keys replaced."""
    return faults(plain(routes=[route(**changes)]))


def test_the_demo_is_sound() -> None:
    """The document that ships has the sources of the demo, and a model for each of its routes."""
    demo = load(CONFIG / "routing.yaml")

    assert [source.topic for source in demo.sources] == [
        "events",
        "legacy-events",
        "csv-events",
        "tweets",
        "images",
    ]
    assert [(route.match.type, route.output.topic) for route in demo.routes] == [
        ([name], f"{name}-results")
        for name in ("iris", "iris-forest", "iris-logistic", "iris-kmeans", "tweet", "image")
    ]
    assert {entry.job for entry in demo.models.values()} == set(SCORING)


def test_the_schema_in_the_repository_is_current() -> None:
    """Run `python -m penstock.routing.schema > config/routing.schema.json` where this fails."""
    assert (CONFIG / "routing.schema.json").read_text() == schema.text()


def test_the_schema_describes_what_the_models_take() -> None:
    """The demo and the design's forms are valid by it, a wrong key is not."""
    validator = jsonschema.Draft202012Validator(schema.schema())
    demo = yaml.safe_load((CONFIG / "routing.yaml").read_text())
    transforms = ["as_is", {"csv": {"cast": {"a": "float"}}}, {"select": ["a"]}, {"of_another_package": 5}]
    changed = demo | {"routes": [route(transform=transforms)], "unmatched": {"topic": "others"}}

    assert list(validator.iter_errors(demo)) == []
    assert list(validator.iter_errors(changed)) == []
    assert not validator.is_valid(demo | {"routes": [route(transform=[{"csv": {"colums": []}}])]})
    assert not validator.is_valid(demo | {"rotues": []})


def test_what_is_left_out_has_its_default() -> None:
    """JSON out, nothing transformed, unmatched events to the dead letters."""
    found = document()

    assert found.unmatched == "dead-letter"
    assert found.routes[0].output.format == "json"
    assert found.routes[0].transform == []
    assert found.routes[0].match.type == ["iris"]


def test_a_document_is_read_from_text_or_file(tmp_path: Path) -> None:
    """Both give the same."""
    file = tmp_path / "routing.yaml"
    file.write_text(yaml.safe_dump(plain()))

    assert load(file) == load(file.read_text()) == document()


def test_a_document_survives_being_handed_to_workers() -> None:
    """As the JSON text that the client sends, whatever its defaults and short forms."""
    for found in (document(), load(CONFIG / "routing.yaml"), document(unmatched={"topic": "others"})):
        assert load(found.model_dump_json(exclude_none=True)) == found
        assert load(found.model_dump_json()) == found


def test_unmatched_events_may_have_a_topic() -> None:
    """Next to the two words."""
    assert document(unmatched={"topic": "others"}).unmatched == UnmatchedTopic(topic="others")
    assert document(unmatched="drop").unmatched == "drop"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "^.*has 1 fault:\n- the document is not YAML: while parsing a flow node"),
        ("version: 1\nversion: 2", "- the document is not YAML: key 'version' stands twice .* line 1"),
        ("[]", "- the document: expected keys such as version, sources, routes and models, got list$"),
        ("", "- the document: expected keys such as version, sources, routes and models, got null$"),
        ("1: 2", r"- \[1\]: keys should be strings, got 1 \(int\)$"),
    ],
)
def test_text_that_is_no_document_is_refused(text: str, message: str) -> None:
    """Syntax has its line, and a key that stands twice is no way to lose half of the routes."""
    with pytest.raises(RoutingDocumentError, match=message):
        load(text)


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """Its name and the cause are told."""
    with pytest.raises(RoutingDocumentError, match=r"- the file '.*none.yaml' cannot be read: .*No such file"):
        load(tmp_path / "none.yaml")


def test_all_faults_are_told_at_once() -> None:
    """Those of single parts and those between parts, in the order of the document, each with its place."""
    text = """
version: one
sources:
  - {topic: events, format: jsn, type: {field: type}}
  - {topic: penstock.results, format: tagged, separator: ""}
  - {topic: events, format: text, type: {field: a}}
routes:
  - name: iris
    match: {type: [iris, 5]}
    transform: [selct]
    model: iris-tre:1
    output: {topic: events, format: value, separator: "#"}
    split: {by: key}
  - {name: iris, match: {type: iris}, model: iris-tree:one, output: {topic: "a b"}}
  - 7
unmatched: drp
models:
  iris-tree: {job: pml}
rotues: []
"""
    with pytest.raises(RoutingDocumentError) as caught:
        load(text)

    assert list(caught.value.faults) == [
        "version: input should be a valid integer, got 'one' (text)",
        "sources[0].format: got 'jsn'; did you mean 'json'?",
        "sources[1].separator: must not be empty",
        "sources[1].topic: 'penstock.results' is internal: names below 'penstock' are Penstock's own",
        "sources[2].topic: 'events' stands at sources[0] already",
        "sources[2].type.field: a text event has no fields; use header or constant",
        "routes[0].match.type[1]: expected text, got 5 (int); put it in quotes",
        "routes[0].model: model 'iris-tre' stands not under models, so no job scores it; did you mean 'iris-tree'?",
        "routes[0].output.separator: only tagged outputs have one",
        "routes[0].output.topic: 'events' is sources[0] too: its records would go round for ever",
        "routes[0].split: a route has a model or a split, not both; remove one of them",
        "routes[0].split.variants: is missing",
        "routes[0].transform[0]: unknown transform 'selct'; did you mean 'select'?",
        "routes[1].match.type: routes[0] takes 'iris'; the first match wins, so this one is never reached",
        (
            "routes[1].model: 'iris-tree:one' is no model ref: expected a version, a whole number of at most 18 "
            "digits, got 'one'"
        ),
        "routes[1].name: 'iris' stands at routes[0] already",
        "routes[1].output.topic: 'a b' is no name for a topic; Kafka takes letters, digits, '.', '_' and '-'",
        "routes[2]: expected keys with values, got 7 (int)",
        "unmatched: got 'drp'; did you mean 'drop'?",
        "models.iris-tree.job: got 'pml'; did you mean 'pmml'?",
        "rotues: unknown key 'rotues'; did you mean 'routes'?",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": 0}, "version: input should be greater than or equal to 1, got 0 (int)"),
        (
            {"version": 10**18},
            "version: input should be less than or equal to 999999999999999999, got 1000000000000000000 (int)",
        ),
        ({"version": "1"}, "version: input should be a valid integer, got '1' (text)"),
        ({"sources": []}, "sources: must not be empty"),
        ({"sources": {}}, "sources: expected a list, got {} (object)"),
        ({"routes": []}, "routes: must not be empty"),
        ({"models": {"iris-tree": {}}}, "models.iris-tree.job: is missing"),
        (
            {"models": {"iris-tree": {"job": "pmml"}, "b:1": {"job": "pmml"}}},
            "models.b:1: models are named without a version",
        ),
        ({"models": {"iris-tree": {"job": "pmml"}, "a b": {"job": "pmml"}}}, "models.a b: 'a b' is no model ref: "),
        (
            {"models": {}},
            "routes[0].model: model 'iris-tree' stands not under models, so no job scores it; there are none",
        ),
        ({"unmatched": {"topc": "others"}}, "unmatched.topc: unknown key 'topc'; did you mean 'topic'?"),
        ({"unmatched": {"topic": "events"}}, "unmatched.topic: 'events' is sources[0] too: "),
        ({"unmatched": {"topic": "penstock.others"}}, "unmatched.topic: 'penstock.others' is internal: "),
        ({"unmatched": 5}, "unmatched: expected 'dead-letter' or 'drop', got 5 (int)"),
    ],
)
def test_wrong_documents_are_refused(changes: dict[str, Any], expected: str) -> None:
    """Each message names the place, the rule and what was found."""
    assert any(fault.startswith(expected) for fault in faults(plain(**changes))), faults(plain(**changes))


@pytest.mark.parametrize("key", ["version", "sources", "routes", "models"])
def test_required_keys_are_named(key: str) -> None:
    """A document without one of them says which."""
    assert f"{key}: is missing" in faults({name: part for name, part in plain().items() if name != key})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"topic": "a", "format": "json"},
            ["type: is missing; one of field, header or constant says where the type stands"],
        ),
        ({**SOURCE, "type": {}}, ["type: expected exactly one of field, header or constant, got 0"]),
        (
            {**SOURCE, "type": {"field": "a", "header": "b"}},
            ["type: expected exactly one of field, header or constant, got 2"],
        ),
        (
            {**SOURCE, "type": {"fild": "a"}},
            [
                "type: expected exactly one of field, header or constant, got 0",
                "type.fild: unknown key 'fild'; did you mean 'field'?",
            ],
        ),
        ({**SOURCE, "columns": ["a"]}, ["columns: only csv sources have one; this source is json"]),
        ({**SOURCE, "separator": "#"}, ["separator: only csv and tagged sources have one; this source is json"]),
        ({**SOURCE, "format": "bytes"}, ["type.field: a bytes event has no fields; use header or constant"]),
        (
            {"topic": "a", "format": "tagged", "type": {"constant": "iris"}},
            ["type: a tagged source carries the type in its value; remove this key"],
        ),
        (
            {"topic": "a", "format": "csv", "type": {"constant": "iris"}},
            ["columns: is missing; a csv source names its cells in their order"],
        ),
        ({**CSV, "columns": ["kind", "kind"]}, ["columns: two columns have the same name"]),
        ({**CSV, "separator": "##"}, ["separator: expected one character, no quote or line end, got '##'"]),
        ({**CSV, "separator": '"'}, ["separator: expected one character, no quote or line end, got '\"'"]),
        ({**CSV, "type": {"field": "knd"}}, ["type.field: no such column 'knd'; did you mean 'kind'?"]),
        ({**CSV, "cast": {"m": "int"}}, ["cast: no such column 'm'; expected one of 'kind', 'n'"]),
        ({**CSV, "cast": {"kind": "str"}}, ["cast: column 'kind' says the type and stays text"]),
        ({**CSV, "cast": "flot"}, ["cast: got 'flot'; did you mean 'float'?"]),
        (
            {**SOURCE, "topic": "a/b"},
            ["topic: 'a/b' is no name for a topic; Kafka takes letters, digits, '.', '_' and '-'"],
        ),
        (
            {**SOURCE, "topic": ".."},
            ["topic: '..' is no name for a topic; Kafka takes letters, digits, '.', '_' and '-'"],
        ),
        ({**SOURCE, "topic": "penstock"}, ["topic: 'penstock' is internal: names below 'penstock' are Penstock's own"]),
        ({**SOURCE, "topic": ""}, ["topic: must not be empty"]),
        (
            {**SOURCE, "topic": "a" * 250},
            [f"topic: string should have at most 249 characters, got '{'a' * 59}… (text)"],
        ),
    ],
)
def test_wrong_sources_are_refused(source: dict[str, Any], expected: list[str]) -> None:
    """Keys that do not go together are told, with what to do."""
    assert source_faults(**source) == [f"sources[0].{fault}" for fault in expected]


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        CSV,
        {**CSV, "cast": "float", "separator": ";"},
        {**CSV, "type": {"header": "ce_type"}},
        {"topic": "penstocks", "format": "json", "type": {"constant": "iris"}},
        {"topic": "a.b_c-d", "format": "tagged"},
        {"topic": "a", "format": "tagged", "separator": "::"},
        {"topic": "a", "format": "text", "type": {"header": "ce_type"}},
        {"topic": "a", "format": "bytes", "type": {"constant": "image"}},
    ],
)
def test_sources_of_every_format_are_taken(source: dict[str, Any]) -> None:
    """The forms of the design."""
    assert source_faults(**source) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"name": "a b", "output": {"topic": "a"}},
            "name: string should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$', got 'a b' (text)",
        ),
        ({"match": {"type": []}}, "match.type: must not be empty"),
        ({"match": {"type": ""}}, "match.type: must not be empty"),
        ({"match": {"type": ["a", ""]}}, "match.type[1]: must not be empty"),
        ({"match": {"type": ["a", "b", "a"]}}, "match.type: routes[0] takes 'a'; the first match wins, so this one is"),
        ({"match": {"type": "a", "when": "true"}}, "match.when: unknown key 'when'; expected one of 'field', 'header'"),
        ({"match": {"type": None}}, "match.type: expected a list, got None (null)"),
        ({"match": {"header": {}}}, "match.header: must not be empty"),
        ({"match": {"field": {"a": {}}}}, "match.field.a: a range has at least one of gt, gte, lt, lte"),
        ({"match": {"field": {"a": {"gt": "5"}}}}, "match.field.a.gt: expected a number, got '5' (text)"),
        ({"match": {"field": {"a": {"above": 5}}}}, "match.field.a.above: unknown key 'above'; expected one of 'gt'"),
        ({"match": {"field": {"a": None}}}, "match.field.a: expected text, a number, true or false, got None (null)"),
        ({"match": {"field": {"a": []}}}, "match.field.a: must not be empty"),
        ({"match": {"field": {"a": {"gt": 5, "lte": 5}}}}, "match.field.a: no number lies in this range"),
        ({"match": {"topic": "evnts"}}, "match.topic: 'evnts' is no topic of a source; did you mean 'events'?"),
        ({"when": ""}, "when: must not be empty"),
        ({"when": "evnt.a > 1"}, "when: unknown name 'evnt'; did you mean 'event'?"),
        ({"on_error": "dead-letter"}, "on_error: only routes with an expression (when) can fail to match"),
        ({"on_error": "drop", "when": "true"}, "on_error: got 'drop'; expected one of 'dead-letter', 'no-match'"),
        ({"model": None}, "model: is missing; a route has a model, or a split between several"),
        ({"split": {"variants": [VARIANT]}}, "split: a route has a model or a split, not both; remove one of them"),
        ({"shadow": [{"model": "b"}]}, "shadow[0].model: model 'b' stands not under models"),
        ({"shadow": [{"model": "iris-tree", "percent": 101}]}, "shadow[0].percent: input should be less than or equal"),
        (
            {"shadow": [{"model": "iris-tree"}, {"model": "iris-tree"}]},
            "shadow[1]: 'iris-tree' stands at shadow[0] already; give one of them a name of its own",
        ),
        ({"deadline_ms": 0}, "deadline_ms: input should be greater than or equal to 1, got 0 (int)"),
        ({"transform": "as_is"}, "transform: expected a list, got 'as_is' (text)"),
        (
            {"transform": [{"csv": {"colums": []}}]},
            "transform[0].csv.colums: unknown key 'colums'; did you mean 'columns'?",
        ),
        (
            {"output": {"topic": "a", "transform": [{"csv": {}}]}},
            "output.transform[0]: transform 'csv' cannot stand in",
        ),
        (
            {"output": {"topic": "a", "format": "csv"}},
            "output.format: got 'csv'; expected one of 'json', 'tagged', 'text'",
        ),
        ({"output": {"topic": "a", "format": "tagged", "separator": ""}}, "output.separator: must not be empty"),
        ({"output": {"topic": "penstock.results"}}, "output.topic: 'penstock.results' is internal: "),
        ({"output": {}}, "output.topic: is missing"),
        ({"model": ""}, "model: must not be empty"),
        ({"model": "a b"}, "model: 'a b' is no model ref: "),
    ],
)
def test_wrong_routes_are_refused(changes: dict[str, Any], expected: str) -> None:
    """One fault each, with its place in the route."""
    found = route_faults(**changes)

    assert len(found) == 1
    assert found[0].startswith(f"routes[0].{expected}")


def test_internal_topics_have_the_prefix_of_the_settings() -> None:
    """An installation with another prefix may use Penstock's usual one, but not its own."""
    other = plain(sources=[{**SOURCE, "topic": "penstock.events"}], routes=[route(output={"topic": "mine.results"})])

    assert faults(other, prefix="mine") == [
        "routes[0].output.topic: 'mine.results' is internal: names below 'mine' are Penstock's own"
    ]


def test_a_tagged_output_may_have_a_separator() -> None:
    """Of any length, taken literally."""
    assert route_faults(output={"topic": "a", "format": "tagged", "separator": ".*"}) == []
