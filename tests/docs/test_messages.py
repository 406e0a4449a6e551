"""What is said to cross a topic: samples are those of the tests; headers, codes and topics are those of the code."""

from __future__ import annotations

import pytest

from input_adapter.router import Router
from penstock import deadletter, event, iris, topics
from penstock.cli import probes
from penstock.codes import ErrorCode
from penstock.deadletter import Stage
from penstock.routing.document import load
from penstock.settings import Settings
from penstock.testing.builders import events, filled
from tests.docs.pages import ROOT, page

MESSAGES = page("docs/messages.md")
DATA = ROOT / "tests" / "data" / "messages"
SETTINGS = Settings()
DOCUMENT = load(ROOT / "config" / "routing.yaml")


def named(module: object, *excluded: str) -> set[str]:
    """The header names that a module declares."""
    texts = {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    prefixes = ("ce_", "penstock-", "content-type")
    return {text for text in texts if text.startswith(prefixes)} - {event.OWN_PREFIX, *excluded}


@pytest.mark.parametrize("block", MESSAGES.marked("sample: "), ids=lambda block: block.mark)
def test_samples_are_the_tests_own(block: object) -> None:
    """What the codecs are tested with is what the page shows."""
    name = block.mark.removeprefix("sample: ")

    assert block.body == (DATA / name).read_text(encoding="utf-8")


def test_every_sample_is_shown() -> None:
    """But the image."""
    shown = {block.mark.removeprefix("sample: ") for block in MESSAGES.marked("sample: ")}

    assert shown == {path.name for path in DATA.iterdir()} - {"event.png"}


def test_headers_are_those_of_the_code() -> None:
    """Each that is set has its row, and no others."""
    described = {*MESSAGES.table("Header"), *letters()}

    assert described == named(event) | named(deadletter)


def letters() -> set[str]:
    """The headers of dead letters."""
    lines = MESSAGES.section("Dead letters").splitlines()
    return {line.split("`")[1] for line in lines if line.startswith("| `penstock-")}


def test_headers_of_the_tools_are_told() -> None:
    """They end up on users' topics."""
    assert f"`{iris.POISON_HEADER}`" in MESSAGES.text
    assert f"`{probes.MARK}`" in MESSAGES.text


def test_example_of_a_request_is_what_the_demo_makes() -> None:
    """The headers shown are those that the router adds."""
    (block,) = MESSAGES.marked("headers: ")
    value = (DATA / block.mark.removeprefix("headers: ")).read_bytes().rstrip(b"\n")
    router = Router(DOCUMENT, prefix="penstock", max_request_bytes=2048, max_dead_letter_bytes=4096)

    delivered = router.route(*events(value))

    assert filled(delivered.headers[0]) == dict(line.split(": ", 1) for line in block.body.splitlines())
    assert delivered.values == [None]


def test_content_types_are_those_of_the_code() -> None:
    """Each has its row."""
    known = {event.JSON, event.TEXT, event.CSV, event.OCTETS, event.REQUEST, event.RESULT}

    assert MESSAGES.table("Content type").keys() == known


def test_codes_are_those_of_the_code() -> None:
    """Each has its row, and each stage is named."""
    assert MESSAGES.table("Code").keys() == {code.value for code in ErrorCode}
    assert all(f"`{stage.value}`" in letters_row("penstock-error-stage") for stage in Stage)


def letters_row(name: str) -> str:
    """The row of one of a dead letter's headers."""
    return next(line for line in MESSAGES.section("Dead letters").splitlines() if line.startswith(f"| `{name}`"))


def test_topics_are_those_of_the_code() -> None:
    """Those of the demo and Penstock's own, each on its cluster; request topics are one row."""
    plan = topics.topics_for(DOCUMENT, SETTINGS)
    prefix = SETTINGS.topics.prefix
    requests = {topics.request_topic(prefix, model.job, name) for name, model in DOCUMENT.models.items()}
    expected = {topic.name: "external" for topic in plan.external}
    expected |= {topic.name: "internal" for topic in plan.internal if topic.name not in requests}
    expected[topics.request_topic(prefix, "<job>", "<model>")] = "internal"
    expected[topics.shadow_request_topic(prefix, "<job>", "<model>")] = "internal"

    assert {name: cells[0] for name, cells in MESSAGES.table("Name").items()} == expected


def test_retention_of_each_topic_is_told() -> None:
    """By the setting that sets it, or as compacted."""
    kept = {name: cells[2] for name, cells in MESSAGES.table("Name").items()}
    for topic in topics.topics_for(DOCUMENT, SETTINGS).internal:
        if topic.name in kept and "retention.ms" in topic.config:
            setting = kept[topic.name].strip("`").removeprefix("topics.")
            assert str(getattr(SETTINGS.topics, setting)) == topic.config["retention.ms"], topic.name
        elif topic.name in kept:
            assert topic.config["cleanup.policy"] == "compact"
            assert "compacted" in kept[topic.name]
