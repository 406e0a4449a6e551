"""Errors: the tree, its codes and the texts that users read."""

import pickle
from collections.abc import Iterator

import pytest

from penstock import errors
from penstock.errors import ErrorCode, PenstockError, RecordError

# One instance of every class, with the text that a user reads.
EXAMPLES: dict[PenstockError, str] = {
    PenstockError("anything"): "anything",
    errors.SettingsError(("a: wrong", "b: wrong")): "the settings have 2 faults:\n- a: wrong\n- b: wrong",
    errors.RoutingDocumentError(("routes[2].model: missing",)): (
        "the routing document has 1 fault:\n- routes[2].model: missing"
    ),
    errors.NoRoutingDocumentError("penstock.control.routing", ("version: is missing",)): (
        "the topic 'penstock.control.routing' holds no good routing document; its newest message is none: version: is "
        "missing; 'penstock up' publishes config/routing.yaml there, 'penstock apply' any other"
    ),
    errors.UnknownDocumentError(3, (7, 6)): (
        "version 3 of the routing document is not among those that were in force and are still kept: 7, 6; "
        "'penstock history' lists them"
    ),
    errors.CasebookError("a.test.yaml", ("3:1: cases: is missing",)): (
        "the tests 'a.test.yaml' have 1 fault:\n- 3:1: cases: is missing"
    ),
    errors.ControlTopicError("penstock.control.status", "it does not exist"): (
        "the control topic 'penstock.control.status' cannot be used: it does not exist"
    ),
    RecordError("something"): "something",
    errors.DecodeError("the value is empty, expected JSON"): "the value is empty, expected JSON",
    errors.TypeMissingError("no field 'type'"): "no field 'type'",
    errors.UnmatchedError("irsi", 7): "no route of version 7 takes type 'irsi'; add it to a route's match",
    errors.UnknownSourceError("events2", 7): "topic 'events2' is no source of version 7 of the routing document",
    errors.ExpressionError("no such key: a"): "no such key: a",
    errors.TransformError("select", "field 'a' is missing"): "transform 'select': field 'a' is missing",
    errors.UnknownModelError("iris", ("iris-tree:1", "iris-forest:1")): (
        "model 'iris' is not registered; registered models: iris-tree:1, iris-forest:1"
    ),
    errors.UnknownModelError("iris:1", tuple(f"a:{n}" for n in range(21)), "it was deleted"): (
        "model 'iris:1' is not registered: it was deleted; registered models: "
        + ", ".join(f"a:{n}" for n in range(20))
        + ", ..."
    ),
    errors.ModelLoadingError("iris:1", 3240, 500): (
        "model 'iris:1' is loading since 3.2 s, its requests wait for 500 ms in all (models.wait_ms); replay the "
        "record when it is ready"
    ),
    errors.PassingError("not yet"): "not yet",
    errors.ServerUnavailableError("digits:1", "default", "UNAVAILABLE: refused", 100_000): (
        "model 'digits:1': its server 'default' does not answer (UNAVAILABLE: refused); an outage is waited for 100000 "
        "ms at most (service.patience_ms); replay the record when it is back"
    ),
    errors.ModelFailedError("iris:1", "no PMML"): "model 'iris:1' cannot be used here: no PMML",
    errors.InputError("field 'petal_width' is missing"): "field 'petal_width' is missing",
    errors.FetchError("http://images/1.png", "the server answered 404"): (
        "input 'http://images/1.png' cannot be fetched: the server answered 404"
    ),
    errors.ScoringError("iris-tree:1", "division by zero"): "model 'iris-tree:1' failed: division by zero",
    errors.OversizeError(2000, 1000): (
        "the record would have 2000 bytes, at most 1000 are allowed (limits.max_request_bytes)"
    ),
    errors.UnknownRouteError("iris", 7): "version 7 of the routing document has no route 'iris'",
    errors.UnknownVersionError(9, 7): (
        "the result was made by version 9 of the routing document, which is not known here; version 7 is in force; "
        "'penstock history' lists the others"
    ),
    errors.DeadlineError(2500, 2000): "the event is 2500 ms old, its route allows 2000 ms (deadline_ms)",
    errors.ShadowError(): ("a shadow result must not reach a user's topic; shadow results have a topic of their own"),
    errors.EnvelopeError("no header 'penstock-route'"): "no header 'penstock-route'",
    errors.InternalError("KeyError", "'a'"): "unexpected KeyError: 'a'",
    errors.ModelError("unusable"): "unusable",
    errors.ModelRefError("iris:x", "expected a version"): "'iris:x' is no model ref: expected a version",
    errors.ModelDescriptorError("models/iris.json", "no version"): "model descriptor 'models/iris.json': no version",
    errors.ModelChecksumError("iris.pmml", "aa", "bb"): (
        "model file 'iris.pmml': expected sha256 aa, got bb; was the file changed after its descriptor was written?"
    ),
    errors.ModelLoadError("iris:1", "no PMML"): "model 'iris:1' cannot be loaded: no PMML",
    errors.ModelServerError("iris:1", "default", "it says LOADING"): (
        "model 'iris:1' cannot be had from its server 'default': it says LOADING"
    ),
    errors.StoreError("s3://models/iris", "there is no such file", False): (
        "model file 's3://models/iris': there is no such file"
    ),
    errors.ImmutableModelError("iris:1", "sha256 aa", "sha256 bb"): (
        "model 'iris:1' is registered with sha256 aa, got sha256 bb; versions are immutable: raise the version"
    ),
    errors.ModelInUseError("iris:1", ("route 'iris'", "live version of 'iris'")): (
        "model 'iris:1' is in use: route 'iris', live version of 'iris'; change these first, or delete it with "
        "--force: requests that name it then become dead letters, and a bare name means another"
    ),
    errors.UnknownRefError("iris:1", ("iris:2",)): (
        "model 'iris:1' is not registered; registered: iris:2; 'penstock models list' lists them"
    ),
    errors.LegacyError(3, "key 'name' is missing"): "line 3: key 'name' is missing",
    errors.CallError("UNAVAILABLE", "gone", None, "localhost:8500"): "server localhost:8500: UNAVAILABLE: gone",
    errors.KafkaUnavailableError("localhost:9092", "refused"): (
        "no Kafka broker answers at 'localhost:9092' (refused); is it running, and is the address right?"
    ),
    errors.FlinkUnavailableError("http://localhost:8081", "refused"): (
        "no Flink cluster answers at 'http://localhost:8081' (refused); is it running, and is the address right?"
    ),
    errors.FlinkUnavailableError("http://localhost:8081", "refused"): (
        "no Flink cluster answers at 'http://localhost:8081' (refused); is it running, and is the address right?"
    ),
    errors.TopicError(("'events' was not made",)): "the topics have 1 fault:\n- 'events' was not made",
    errors.UnknownTopicError("evnts", "localhost:9092", ("events",)): (
        "topic 'evnts' does not exist at 'localhost:9092'; did you mean 'events'?"
    ),
    errors.PrerequisiteError(("no java",)): "this machine has 1 fault:\n- no java",
    errors.EngineLostError("ranks:1", "Spark has stopped"): (
        "model 'ranks:1' cannot be scored, its engine is gone: Spark has stopped"
    ),
    errors.BridgeError("requests", "the topic is gone"): (
        "the way of requests through Spark is broken: the topic is gone"
    ),
    errors.StackError("kafka", "bye", "give it more memory", ("ERROR out of memory",)): (
        "step 'kafka' failed; give it more memory\nerrors in its log:\nERROR out of memory\nlast lines of its log:\nbye"
    ),
}


def tree(root: type[PenstockError] = PenstockError) -> Iterator[type[PenstockError]]:
    """Every class of the tree that Penstock itself defines."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("penstock."):
            yield from tree(child)


def test_every_class_has_an_example_here() -> None:
    """A new error cannot be added without its text being tested."""
    assert {type(error) for error in EXAMPLES} == set(tree())


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_text_and_facts_survive_pickling(error: PenstockError) -> None:
    """Errors cross from worker processes: what arrives says the same as what left."""
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize(("error", "text"), EXAMPLES.items(), ids=lambda case: type(case).__name__)
def test_texts_say_rule_finding_and_advice(error: PenstockError, text: str) -> None:
    """The text is made from the facts, names quoted, without a full stop at its end."""
    assert str(error) == text


def test_every_code_belongs_to_one_record_error() -> None:
    """Codes and record errors are one to one, so that a code in a dead letter names its class in the documentation."""
    kinds = {type(error): error.code for error in EXAMPLES if isinstance(error, RecordError)}
    codes = [code for kind, code in kinds.items() if kind not in {RecordError, errors.PassingError}]

    assert sorted(codes) == sorted(ErrorCode)


def test_the_tree_in_the_docstring_is_whole() -> None:
    """The drawing names every class."""
    drawn = errors.__doc__ or ""

    assert [
        error.__name__ for error in tree() if f"{error.__name__} " not in drawn and error is not PenstockError
    ] == []


def test_long_values_are_cut_where_messages_quote_them() -> None:
    """A megabyte of a user's data does not end up in a message."""
    assert errors.shown("a" * 1000) == "'" + "a" * 59 + "…"
    assert errors.shown("short") == "'short'"
