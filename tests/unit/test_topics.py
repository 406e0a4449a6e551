"""Topics: names, and what a routing document makes of the one declaration."""

from __future__ import annotations

import re
from typing import Any

import pytest

from penstock import kafka, topics
from penstock.clusters import ClusterSettings
from penstock.errors import TopicError
from penstock.routing import document
from penstock.settings import Settings

ROUTING = """
version: 1
sources:
  - {topic: events, format: json, type: {field: type}}
  - {topic: more, format: tagged}
routes:
  - {name: iris, match: {type: iris}, model: iris-tree, output: {topic: scores}}
  - {name: other, match: {type: other}, model: iris-forest, output: {topic: scores}}
unmatched: {topic: strays}
models:
  iris-tree: {job: pmml}
  iris-forest: {job: pmml}
"""


def plan(**changes: object) -> topics.Plan:
    """Declare the topics of the document above."""
    return topics.topics_for(document.load(ROUTING), Settings(**changes))


def test_users_topics_are_sources_outputs_and_strays() -> None:
    """Each once, however many routes write to it."""
    assert [topic.name for topic in plan().external] == ["events", "more", "scores", "strays"]


def test_internal_topics_are_fixed_ones_and_one_per_model() -> None:
    """Every model of the document has its request topic."""
    assert {topic.name for topic in plan().internal} == {
        "penstock.results",
        "penstock.shadow-results",
        "penstock.dead-letters",
        "penstock.control.routing",
        "penstock.control.models",
        "penstock.control.status",
        "penstock.pmml.iris-tree",
        "penstock.pmml.iris-forest",
    }


def test_prefix_is_a_setting() -> None:
    """Two installations can share a cluster."""
    assert all(topic.name.startswith("other.") for topic in plan(topics={"prefix": "other"}).internal)


def test_control_topics_keep_their_last_word() -> None:
    """Documents and descriptors are compacted and in one partition; answers are not kept for ever."""
    by_name = {topic.name: topic for topic in plan(topics={"partitions": 8}).internal}

    for name in ("penstock.control.routing", "penstock.control.models"):
        assert (by_name[name].partitions, by_name[name].config["cleanup.policy"]) == (1, "compact")
    assert by_name["penstock.control.status"].config["cleanup.policy"] == "delete"
    assert by_name["penstock.results"].partitions == 8


def test_limits_make_room() -> None:
    """A request fits its topic, an event its source, and a dead letter holds the largest event with its cause."""
    settings = Settings(limits={"max_request_bytes": 2000, "max_event_bytes": 5000, "dead_letter_header_bytes": 3000})
    made = topics.topics_for(document.load(ROUTING), settings)
    room = {topic.name: int(topic.config["max.message.bytes"]) for topic in (*made.external, *made.internal)}

    assert room["penstock.pmml.iris-tree"] > 2000
    assert room["events"] > 5000
    assert room["penstock.dead-letters"] > 8000


def test_pattern_takes_a_jobs_topics_only() -> None:
    """A job reads the requests of its own models, present and future, and nothing else."""
    pattern = re.compile(topics.request_pattern("my-prefix", "pmml"))

    assert pattern.fullmatch(topics.request_topic("my-prefix", "pmml", "iris.v-2"))
    assert not pattern.fullmatch(topics.request_topic("my-prefix", "spark", "iris"))
    assert not pattern.fullmatch("my-prefixxpmml.iris")
    assert not pattern.fullmatch(topics.results("my-prefix"))


def test_what_jobs_write_to_needs_room() -> None:
    """A source is between its producers and it; every other topic must take the largest record of its kind."""
    made = plan(limits={"max_request_bytes": 2000, "max_event_bytes": 5000})
    needs = {topic.name: topic.needs_bytes for topic in (*made.external, *made.internal)}

    assert (needs["events"], needs["more"]) == (0, 0)
    assert min(needs[name] for name in needs.keys() - {"events", "more"}) > 2000
    assert needs["penstock.dead-letters"] > 5000


def test_topic_that_is_too_small_is_named() -> None:
    """What it takes, what it needs, and what to do."""
    scores = topics.Topic(name="scores", partitions=1, replication_factor=1, needs_bytes=2000)

    assert topics.shortfall(scores, {"max.message.bytes": "1000"}) == (
        "the topic 'scores' takes batches of 1000 bytes (max.message.bytes), it needs 2000:"
        " raise that (docs/operations.md says how), or lower the settings under 'limits'"
    )


@pytest.mark.parametrize("config", [{"max.message.bytes": "2000"}, {}])
def test_topic_that_is_large_enough_or_not_shown_is_right(config: dict[str, str]) -> None:
    """A broker need not let us look: then nothing is refused on a guess."""
    scores = topics.Topic(name="scores", partitions=1, replication_factor=1, needs_bytes=2000)

    assert topics.shortfall(scores, config) is None


def test_topics_made_with_kafkas_defaults_are_large_enough() -> None:
    """Users who make their output topics without a thought of sizes are not refused."""
    scores = next(topic for topic in plan().external if topic.name == "scores")

    assert topics.shortfall(scores, {"max.message.bytes": str(1024 * 1024 + 12)}) is None


def test_shadows_have_request_topics_of_their_own() -> None:
    """One for each model that shadows, which no job takes for its usual requests."""
    text = ROUTING.replace("model: iris-tree, ", "model: iris-tree, shadow: [{model: 'iris-forest:1'}], ")
    names = {topic.name for topic in topics.topics_for(document.load(text), Settings()).internal}
    (shadow,) = (name for name in names if name.startswith("penstock.shadow-pmml."))

    assert shadow == topics.shadow_request_topic("penstock", "pmml", "iris-forest")
    assert not re.fullmatch(topics.request_pattern("penstock", "pmml"), shadow)
    assert re.fullmatch(topics.shadow_request_pattern("penstock", "pmml"), shadow)


class Admin:
    """A cluster without topics: what it answers who makes some, one answer after the other."""

    def __init__(self, *answers: str | None) -> None:
        self.coming = [*answers]
        self.asked: list[set[str]] = []

    def list_topics(self) -> list[str]:
        """Have none."""
        return []

    def describe_configs(self, *_: object, **__: object) -> dict[str, object]:
        """Know none."""
        return {}

    def create_topics(self, wanted: dict[str, Any], **_: object) -> dict[str, Any]:
        """Take the topic, or refuse it as told; b is always taken."""
        self.asked.append(set(wanted))
        said = self.coming.pop(0)
        refusals = {name: said if name == "a" else None for name in wanted}
        codes = {name: 0 if text is None else 38 for name, text in refusals.items()}
        return {"topics": [{"name": n, "error_code": codes[n], "error_message": refusals[n]} for n in wanted]}

    def wait_for_topics(self, *_: object, **__: object) -> None:
        """Have them at once."""

    def close(self) -> None:
        """Hang up."""


FENCED = "Unable to replicate the partition 1 time(s): All brokers are currently fenced."
TOO_FEW = "Unable to replicate the partition 3 time(s): only 1 broker(s) are registered."


def made(admin: Admin, monkeypatch: pytest.MonkeyPatch, cluster: ClusterSettings | None = None) -> tuple[str, ...]:
    """Make two topics."""
    monkeypatch.setattr(kafka, "admin", lambda _: admin)
    monkeypatch.setattr(kafka, "_AGAIN_S", 0)
    wanted = [topics.Topic(name=name, partitions=1, replication_factor=1) for name in ("a", "b")]
    return topics.ensure(cluster or ClusterSettings(), wanted)


def test_brokers_that_are_just_coming_back_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that stood still for longer than its session takes no topics for a moment; what it took stays."""
    admin = Admin(FENCED, FENCED, None)

    assert made(admin, monkeypatch) == ("a", "b")
    assert admin.asked == [{"a", "b"}, {"a"}, {"a"}]


def test_brokers_that_do_not_come_back_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Kafka's words, when the time of a request is over."""
    admin = Admin(*[FENCED] * 1_000)

    with pytest.raises(TopicError, match=r"'a' was not made: Unable to replicate .* fenced"):
        made(admin, monkeypatch, ClusterSettings(request_timeout_ms=1))


def test_other_refusals_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """More copies than there are brokers will not be had by waiting."""
    admin = Admin(TOO_FEW)

    with pytest.raises(TopicError, match=r"'a' was not made: Unable to replicate .* registered"):
        made(admin, monkeypatch)
    assert len(admin.asked) == 1
