"""How the commands below ``penstock models`` show models, workers and findings, and which exit status that makes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from penstock.cli.exits import Exit
from penstock.cli.models import answers, detail, findings, overview, status
from penstock.cli.models.import_legacy import Step, steps, superseded, told
from penstock.cli.readiness import faults
from penstock.control.messages import Message
from penstock.control.model_signs import ModelSign, ModelsSign
from penstock.errors import ControlTopicError, ModelLoadError
from penstock.models.catalog_events import State
from penstock.models.descriptor import ModelDescriptor
from penstock.models.legacy import Kind, LegacyOperation
from penstock.models.records import pointer_record
from penstock.models.ref import ModelRef
from penstock.models.registry import Registry
from penstock.models.usage import users
from penstock.testing.builders import document, route
from penstock.testing.inspection import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY = ModelSign(State.READY, 0, 2_000_000, "")
LOADING = ModelSign(State.LOADING, 0, 0, "")
FAILED = ModelSign(State.FAILED, 0, 0, "its file is gone")
EVICTED = ModelSign(State.EVICTED, 0, 0, "")
SERVED: dict[str, Any] = {"format": "tensorflow-serving", "uri": None, "sha256": None}


def descriptor(version: int, **more: object) -> ModelDescriptor:
    """A version of one model."""
    plain = {
        "name": "iris",
        "version": version,
        "job": "pmml",
        "format": "pmml",
        "uri": "file:///m",
        "sha256": "0" * 64,
    }
    return ModelDescriptor.parse(plain | more, "here")


def sign(worker: str = "w-1", offset: int = 7, **models: ModelSign) -> ModelsSign:
    """A worker's sign; keywords are versions of the model: ``v1=READY``."""
    return ModelsSign(
        worker=worker,
        deployable="pmml_job",
        job="pmml",
        at="2026-01-02T03:04:05.678Z",
        offset=offset,
        serving={"iris": 1},
        models={f"iris:{key[1:]}": each for key, each in models.items()},
    )


@pytest.fixture
def registry() -> Registry:
    """Three versions, of which the second is live and was the first before."""
    made = Registry([descriptor(one) for one in (1, 2, 3)])
    key, value = pointer_record("iris", 2, 1, "2026-01-02T03:04:05.678Z")
    made.offer(Message(value=value, published_ms=0, offset=3, key=key))
    return made


def test_list_tells_live_states_and_users(registry: Registry) -> None:
    """Of each version, in their order."""
    used = users(document(routes=[route(model="iris:3")], models={"iris": {"job": "pmml"}}), registry)
    signs = [sign(v1=READY, v2=FAILED, v3=EVICTED), sign("w-2", v1=READY, v2=READY, v3=EVICTED)]
    rows = [line.split("  ") for line in overview.as_text(overview.lines(registry, signs, used, None)).splitlines()[1:]]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]

    assert cells == [
        ["iris:1", "previous", "pmml", "2 ready", "-", "-", "-"],
        ["iris:2", "live", "pmml", "1 failed, 1 ready", "-", "-", "live version of 'iris'"],
        ["iris:3", "-", "pmml", "2 evicted", "-", "-", "route 'iris'"],
    ]


@pytest.mark.parametrize(("wanted", "count"), [("iris", 3), ("iris:2", 1), ("other", 0)])
def test_list_of_one_name(registry: Registry, wanted: str, count: int) -> None:
    """Or of one version."""
    assert len(overview.lines(registry, [], {}, ModelRef.parse(wanted))) == count


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5_000_000, "4.8 MiB"), (2**40, "1024.0 GiB")]
)
def test_sizes(count: int, text: str) -> None:
    """As people write them."""
    assert overview.size(count) == text


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, Exit.OK),
        ({"a": READY, "b": EVICTED}, Exit.OK),
        ({"a": READY, "b": None}, Exit.TIMED_OUT),
        ({"a": LOADING}, Exit.TIMED_OUT),
        ({"a": FAILED, "b": None}, Exit.FAILED),
    ],
)
def test_answers_make_the_status(states: Mapping[str, ModelSign | None], expected: Exit) -> None:
    """A failure counts more than silence."""
    assert answers.outcome(states) is expected


def test_answers_are_shown() -> None:
    """With reasons; a worker that did not answer, as such; where there is none, what that means."""
    shown = answers.answers({"b": FAILED, "a": None, "c": EVICTED}, "pmml").splitlines()

    assert [line.split(maxsplit=2)[1:] for line in shown[1:]] == [
        ["no", "answer  -"],
        ["failed", "its file is gone"],
        ["evicted", "loaded when it is asked for"],
    ]
    assert answers.answers({}, "pmml") == "no worker of the job 'pmml' is at work; the next one begins with it"


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([], Exit.OK),
        ([sign(v1=READY, v2=EVICTED)], Exit.OK),
        ([sign(v1=LOADING)], Exit.TIMED_OUT),
        ([sign(offset=6, v1=READY)], Exit.TIMED_OUT),
        ([sign(v1=READY), sign(v1=FAILED, v2=LOADING)], Exit.FAILED),
    ],
)
def test_status_of_all_workers(signs: list[ModelsSign], expected: Exit) -> None:
    """Loading and being behind the registry are the same: not there yet."""
    assert status.standing(signs, 7) is expected


def test_status_has_a_row_for_each_version() -> None:
    """Workers are counted by state, reasons told once each, and the tenth version comes after the second."""
    slow = ModelSign(State.READY, 0, 9, "slow")
    signs = [
        sign("w-1", v1=READY, v2=FAILED, v10=slow),
        sign("w-2", v1=READY, v2=FAILED, v10=slow),
        sign("w-3", v1=LOADING, v2=READY, v10=slow),
    ]
    rows = [re.split(r"\s{2,}", line) for line in status.as_text(signs, 7, by_worker=False).splitlines()]

    assert rows == [
        ["MODEL", "WORKERS", "SERVES", "MEMORY", "REASONS"],
        ["iris:1", "1 loading, 2 ready", "3", "1.9 MiB", "-"],
        ["iris:2", "2 failed, 1 ready", "-", "1.9 MiB", "2 workers: its file is gone"],
        ["iris:10", "3 ready", "-", "9 B", "slow"],
    ]


def test_status_of_each_worker_is_shown_on_request() -> None:
    """With the reason of each, and who has not heard the newest message."""
    shown = status.as_text([sign("w-1", v1=FAILED), sign("w-2", offset=6, v1=READY)], 7, by_worker=True).splitlines()

    assert [line.split()[:4] for line in shown[1:3]] == [
        ["w-1", "iris:1", "failed", "yes"],
        ["w-2", "iris:1", "ready", "yes"],
    ]
    assert shown[1].endswith("its file is gone")
    assert shown[3] == "1 worker not up to date with the registry: w-2"


@pytest.mark.parametrize("by_worker", [True, False])
def test_status_of_nothing_is_said(by_worker: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Where no worker is at work, and where those at work have no models."""
    assert status.as_text([], 7, by_worker=by_worker) == "no worker that scores is at work; 'penstock up' starts them"
    assert status.as_text([sign()], 7, by_worker=by_worker) == "no models"


def test_detail_shows_inputs_and_outputs() -> None:
    """Kinds, ranges, what becomes of missing and invalid values; and who has it."""
    made = descriptor(
        1,
        bytes=6120,
        algorithm="TreeModel",
        inputs=[
            {"name": "x", "type": "double", "optype": "continuous", "required": True, "intervals": ["[0, 10]"]},
            {"name": "c", "type": "string", "required": False, "values": ["a", "b"], "more": 7, "missing": "a"},
        ],
        outputs=[{"name": "p", "type": "double", "feature": "probability", "value": "b"}],
    )
    text = detail.as_text(made, ["route 'iris'"], [sign(v1=FAILED)])
    rows = [line.split() for line in text.splitlines()]

    assert ["size", "6.0", "KiB", "(6,120", "bytes)"] in rows
    assert ["used", "by", "route", "'iris'"] in rows
    assert ["x", "double", "continuous", "yes", "[0,", "10]", "-", "-"] in rows
    assert ["c", "string", "-", "no", "a;", "b;", "and", "7", "more", "a", "-"] in rows
    assert ["p", "double", "probability", "b"] in rows
    assert ["w-1", "failed", "its", "file", "is", "gone"] in rows
    assert "sample" not in text


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"format": "saved-model"}, "default: model iris, version 1, predict serving_default"),
        (SERVED, "default: model iris, latest, predict serving_default"),
        (
            {**SERVED, "server": {"name": "big", "label": "stable", "method": "classify"}},
            "big: model iris, label stable,",
        ),
    ],
)
def test_detail_tells_the_server(changes: dict[str, Any], row: str) -> None:
    """Where it is, and what it is called there; one without a file shows none."""
    text = detail.as_text(descriptor(1, job="service", **changes), [], [])

    assert f"server        {row}" in text
    assert ("sha256" in text) == ("uri" not in changes)


def test_people_see_no_secret_of_a_uri() -> None:
    """Terminals are recorded and shown to others; programs get the URI as it is registered."""
    uri = "https://me:secret@models.example/iris.pmml?sig=secret"
    made = descriptor(1, uri=uri)
    (line,) = findings.finding_lines(uri, [finding()])

    assert "file          https://me:***@models.example/iris.pmml?***" in detail.as_text(made, [], [])
    assert line.startswith("https://me:***@models.example/iris.pmml?***:")
    assert made.plain()["uri"] == uri


def test_detail_as_json() -> None:
    """The descriptor as it stands on the topic."""
    made = descriptor(1)

    assert detail.as_object(made, ["a"], [sign(v1=FAILED), sign("w-2")]) == {
        "model": "iris:1",
        "descriptor": made.plain(),
        "users": ["a"],
        "workers": {"w-1": {"state": "failed", "reason": "its file is gone"}},
    }


def test_findings_are_written_as_compilers_do() -> None:
    """Faults first, each with its place in the file; text from the file cannot act on a terminal."""
    found = [finding(severity="warning"), finding(line=20, found="\x1b[2J"), finding(line=None, column=None)]

    assert [line.rpartition("; ")[0] for line in findings.finding_lines("m.pmml", found)] == [
        "m.pmml: MiningField: a field has a name that the data dictionary knows; 'nope' is none",
        "m.pmml:20:5: MiningField: a field has a name that the data dictionary knows; \\x1b[2J",
        "m.pmml:12:5: warning: MiningField: a field has a name that the data dictionary knows; 'nope' is none",
    ]


def test_summary_of_a_model() -> None:
    """What is known of it, in a line."""
    made = descriptor(1, bytes=6120, algorithm="TreeModel", inputs=[{"name": "x", "type": "double"}])

    assert findings.summary(made) == "iris:1: TreeModel, 1 input, 6,120 bytes"
    there = {"name": "iris", "version": 1, "job": "service", "format": "tensorflow-serving", "server": {"name": "big"}}
    assert findings.summary(ModelDescriptor.parse(there, "here")) == "iris:1: model 'iris' of server 'big'"


@pytest.mark.parametrize(
    ("model", "signs", "said"),
    [
        ("iris", [sign(v1=FAILED, v2=READY)], None),
        ("iris", [sign(v1=READY, v2=FAILED)], None),
        ("iris", [], None),
        ("iris:3", [sign(v3=EVICTED)], None),
        ("iris:3", [sign(v3=FAILED), sign("w-2", v3=READY)], None),
        ("iris:3", [sign(v3=FAILED)], "no worker can load iris:3: its file is gone; its events become dead letters"),
        ("iris", [sign(v1=LOADING, v2=FAILED)], "no worker can load iris:2: its file is gone"),
        ("iris:3", [sign(v3=LOADING)], "no worker has iris:3 ready yet, it is loading"),
        ("iris:4", [sign(v3=READY)], "it is not registered (there is iris:1, iris:2, iris:3)"),
    ],
)
def test_routes_whose_model_nobody_has(
    registry: Registry, model: str, signs: list[ModelsSign], said: str | None
) -> None:
    """A bare name is served by the version before where the live one is not ready."""
    found = faults(document(routes=[route(model=model)], models={"iris": {"job": "pmml"}}), registry, signs)

    assert [each.partition(": ")[2].startswith(said or "-") for each in found] == ([] if said is None else [True])


def test_legacy_messages_that_later_ones_undo() -> None:
    """Their files may be long gone; what stays in the end is done."""
    refs = [ModelRef("a", 1), ModelRef("a", 2)]
    add = [LegacyOperation(Kind.ADD, ref, "p", None) for ref in refs]
    delete = [LegacyOperation(Kind.DELETE, ref, None, None) for ref in refs]

    assert superseded([add[0], add[1], delete[0]]) == {0: "left out: message 3 deletes it"}
    assert superseded([delete[0], add[0]]) == {}
    assert superseded([add[0], delete[0], add[0]]) == {0: "left out: message 2 deletes it"}


@pytest.mark.parametrize("error", [ControlTopicError("t", "too long"), ModelLoadError("a:1", "too long")])
def test_legacy_message_that_fails_stops_no_other(error: Exception) -> None:
    """A model of which the registry's topic cannot take the descriptor is a fault of that model."""

    def carry_out(each: LegacyOperation) -> str:
        if each.ref.version == 1:
            raise error
        return "registered"

    wanted = [LegacyOperation(Kind.ADD, ModelRef("a", version), "p", None) for version in (1, 2)]
    first, second = steps(wanted, carry_out)

    assert first.failed
    assert "too long" in first.said
    assert second == Step(ref="a:2", kind="add", said="registered")


def test_legacy_messages_that_were_done_are_told_whatever_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Else nobody would know what of the file has yet to be done."""

    def steps() -> Iterator[Step]:
        yield Step(ref="a:1", kind="add", said="registered")
        raise ControlTopicError("penstock.control.models", "the message of 'a:2' is too long")

    with pytest.raises(ControlTopicError, match="too long"):
        told(steps(), "text")

    assert capsys.readouterr().out.split()[-4:] == ["a:1", "add", "ok", "registered"]
    assert told(iter(()), "text") == []
    assert capsys.readouterr().out == "no messages\n"
