"""``penstock models`` against a real broker, with a worker whose host loads nothing and says what a test wants."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from penstock import kafka, topics
from penstock.cli.exits import Exit
from penstock.cli.progress import telling
from penstock.control import portable
from penstock.control.model_subject import ModelSubject
from penstock.control.models import registry
from penstock.control.worker import Worker
from penstock.deployables import SCORING, Deployable
from penstock.local.waiting import wait_until
from penstock.models.catalog_events import State
from penstock.models.registry import Registry
from penstock.testing import builders
from tests.patience import SOON_S
from tests.registered import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result
    from conftest import Installation

    from penstock.control.messages import Message, Verdict

UUID = "d7a4e1f0-9c55-4a51-8b43-0f8b86a1c3d2"


class Standing(NamedTuple):
    """How a version is in the worker."""

    state: State
    since_ms: int = 0
    bytes: int = 0
    reason: str = ""


class Host:
    """Follows the registry, and has every version ready unless ``odd`` says otherwise."""

    def __init__(self) -> None:
        self.odd: dict[str, Standing] = {}
        self.changed: Callable[[], None] = lambda: None
        """Has its worker tell of that soon."""
        self._registry = Registry()
        self._lock = threading.Lock()

    @property
    def offset(self) -> int | None:
        """The last message that it has seen."""
        return self._registry.offset

    def begin(self, messages: Any) -> list[Verdict]:
        """Take all there is."""
        with self._lock:
            return self._registry.recover(messages)

    def offer(self, message: Message) -> Verdict:
        """Take the next one."""
        with self._lock:
            return self._registry.offer(message)

    def states(self) -> dict[str, Standing]:
        """As the test wants it."""
        with self._lock:
            return {str(each.ref): self._state(str(each.ref)) for each in self._registry}

    def serving(self) -> dict[str, int]:
        """The first that is ready, of those that may serve a name."""
        with self._lock:
            return {
                name: int(ref.version or 0)
                for name in {each.name for each in self._registry}
                for ref in reversed(self._registry.serving(name))
                if self._state(str(ref)).state is State.READY
            }

    def _state(self, ref: str) -> Standing:
        return self.odd.get(ref, Standing(State.READY))


@pytest.fixture
def installed(
    make_installation: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Installation:
    """An installation with a document in force, whose PMML files are looked into by a stand-in without an engine."""
    monkeypatch.setitem(SCORING, "pmml", Deployable(name="pmml_job", module="penstock.testing"))
    found = make_installation(**{"models.store": str(tmp_path / "store")})
    document = tmp_path / "routing.yaml"
    output = {"topic": f"scores-{found.ending}"}
    source = {"topic": f"events-{found.ending}", "format": "json", "type": {"field": "type"}}
    made = builders.document(version=1, sources=[source], routes=[builders.route(output=output, model="iris-tree:9")])
    document.write_text(made.model_dump_json(exclude_none=True), encoding="utf-8")
    topics.ensure(found.cluster, topics.internal_topics(found.settings))
    found.run("apply", str(document))
    return found


@pytest.fixture
def host(installed: Installation) -> Iterator[Host]:
    """A worker of the PMML job, by its host."""
    made = Host()
    worker = Worker(
        portable.pack(installed.settings), "pmml_job", lambda _: None, models=lambda _: ModelSubject(made, "pmml")
    )
    worker.start()
    made.changed = worker.models_changed
    assert at_work(installed.settings)
    yield made
    worker.close()


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Write a model's file; each text is another one."""

    def write(text: str = "one", **told: Any) -> str:
        path = tmp_path / f"{text}.pmml"
        fields = {"algorithm": "TreeModel", "description": text}
        path.write_text(json.dumps({"fields": fields, **told}), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def add(installed: Installation, file: Callable[..., str]) -> Callable[..., Result]:
    """Add a version of one model, whose bytes are its own."""

    def run(version: int, *more: str, expect: Exit = Exit.OK, name: str = "iris", text: str = "") -> Result:
        wanted = ("--name", name, "--version", str(version), *more)
        return installed.run("models", "add", file(text or f"{name}-{version}"), *wanted, expect=expect)

    return run


def status(installed: Installation, host: Host, wanted: Exit) -> str:
    """Look at models until the worker's next sign says what the command is to end with."""
    seen: list[Result] = []
    host.changed()

    def told() -> bool:
        seen.append(installed.run("models", "status", expect=None))
        return seen[-1].exit_code == wanted

    assert wait_until(told, SOON_S, 0.2), seen[-1].output
    return seen[-1].stdout


def test_added_model_is_ready_when_it_returns(
    installed: Installation, add: Callable[..., Result], host: Host, tmp_path: Path
) -> None:
    """Its file is in the store, the first version is live, and what is known of it can be seen."""
    said = add(1).stdout
    second = add(2).stdout
    first, later = installed.lines("models", "list", "iris")
    (shown,) = installed.lines("models", "show", "iris")
    nobody = installed.run("models", "list", "nobody").stderr

    assert nobody == "none of 'nobody' is registered, of 2 in all; 'penstock models list' lists them\n"
    assert "'iris' means version 1 now" in said
    assert "'iris' means" not in second
    assert [line.split()[1:] for line in said.splitlines()[-1:]] == [["ready", "-"]]
    assert (first["model"], first["live"], first["workers"]) == ("iris:1", True, {"ready": 1})
    assert first["users"] == ["live version of 'iris'"]
    assert (later["model"], later["live"], later["users"]) == ("iris:2", False, [])
    assert shown["descriptor"]["algorithm"] == "TreeModel"
    stored = next((tmp_path / "store" / "iris" / "1").iterdir())
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == first["sha256"] == stored.stem


def test_same_bytes_change_nothing_and_others_are_refused(
    installed: Installation, add: Callable[..., Result], host: Host
) -> None:
    """A version is immutable; what is said of it stays, too."""
    add(1)
    before = registry(installed.settings).offset
    again = add(1, "--prediction", "y")
    live = json.loads(add(1, "--live", "--format", "json").stdout)
    other = add(1, text="other", expect=Exit.FAILED)

    assert "iris:1 is registered already, with these bytes" in again.stdout
    assert "prediction: what is registered stays" in again.stdout
    assert (live["registered"], live["live"]) == (False, True)
    assert "versions are immutable: raise the version" in other.stderr
    assert registry(installed.settings).offset == before


def test_refused_file_is_shown_with_all_faults(installed: Installation, file: Callable[..., str]) -> None:
    """With element and line, as compilers do; nothing is published. --lax takes what is against the schema only."""
    path = file("bad", findings=[{}, {"line": 40, "severity": "warning"}])
    wanted = ("models", "add", path, "--name", "iris", "--version", "1")
    said = installed.run(*wanted, expect=Exit.USAGE)
    (found,) = map(json.loads, installed.run(*wanted, "--format", "json", expect=Exit.USAGE).stdout.splitlines())
    lax = installed.run(*wanted, "--lax", "--dry-run")

    first, second, last = (line for line in said.stderr.splitlines() if " ... [" not in line)  # that it takes long
    assert first.startswith(
        f"{path}:12:5: MiningField: a field has a name that the data dictionary knows; 'nope' is none"
    )
    assert second.startswith(f"{path}:40:5: warning: ")
    assert last == "iris:1 was not registered: 1 fault"
    assert [each["line"] for each in found["findings"]] == [12, 40]
    assert lax.stdout.endswith("nothing was registered\n")
    assert len(registry(installed.settings)) == 0


def test_worker_that_cannot_load_it_is_status_1(add: Callable[..., Result], host: Host) -> None:
    """With its reason: the model is registered all the same."""
    host.odd["iris:1"] = Standing(State.FAILED, reason="its file is gone")

    assert add(1, expect=Exit.FAILED).stdout.splitlines()[-1].split(maxsplit=2)[1:] == ["failed", "its file is gone"]


def test_slow_worker_is_status_4(
    installed: Installation, add: Callable[..., Result], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told what to look at, and all of it in the order in which it happens."""
    monkeypatch.setattr("penstock.cli.models.add.telling", lambda what: telling(what, after_s=0))
    host.odd["iris:1"] = Standing(State.LOADING)
    said = add(1, "--timeout", "1", expect=Exit.TIMED_OUT).output
    assert wait_until(lambda: "loading" in installed.run("models", "status", expect=None).stdout, SOON_S, 0.2)

    assert re.search("\nregistered.*waiting for the workers.*registered, but.*models status'", said, re.DOTALL)
    assert "loading" in add(1, "--timeout", "0.1", expect=Exit.TIMED_OUT).stdout


def test_nobody_at_work_is_fine(installed: Installation, add: Callable[..., Result]) -> None:
    """The next worker begins with it."""
    assert "no worker of the job 'pmml' is at work; the next one begins with it" in add(1).stdout
    assert "no worker that scores is at work" in installed.run("models", "status").stdout


def test_status_tells_who_has_what(installed: Installation, add: Callable[..., Result], host: Host) -> None:
    """And its exit status whether that is all."""
    add(1)
    ready = installed.lines("models", "status")
    host.odd["iris:1"] = Standing(State.LOADING)
    loading = status(installed, host, Exit.TIMED_OUT)
    host.odd["iris:1"] = Standing(State.FAILED, reason="no")
    failed = status(installed, host, Exit.FAILED)

    assert [(each["model"], each["state"], each["serves"]) for each in ready] == [("iris:1", "ready", True)]
    assert "loading" in loading
    assert failed.splitlines()[1].split()[:3] == ["iris:1", "1", "failed"]


def test_live_goes_there_and_back(installed: Installation, add: Callable[..., Result], host: Host) -> None:
    """It returns when every worker goes by it; what was live before answers until then."""
    add(1)
    add(2)
    there = installed.run("models", "live", "iris", "2").stdout
    listed = {each["model"]: each["live"] for each in installed.lines("models", "list")}
    (back,) = installed.lines("models", "live", "iris", "1")
    again = installed.run("models", "live", "iris", "1").stdout

    assert there.startswith("'iris' means version 2 now, 1 before\n")
    assert there.splitlines()[-1].split()[1:] == ["2", "ready", "-"]
    assert listed == {"iris:1": False, "iris:2": True}
    assert (back["changed"], list(back["serving"].values())) == (True, [1])
    assert again.startswith("'iris' means version 1 already\n")


def test_live_refuses_what_would_not_answer(installed: Installation, add: Callable[..., Result], host: Host) -> None:
    """Unknown versions, and those that a worker cannot load; one that only loads is waited for."""
    add(1)
    host.odd["iris:2"] = Standing(State.FAILED, reason="its file is gone")
    add(2, expect=Exit.FAILED)
    unknown = installed.run("models", "live", "iris", "7", expect=Exit.FAILED).stderr
    failed = installed.run("models", "live", "iris", "2", expect=Exit.FAILED).stderr
    host.odd["iris:2"] = Standing(State.LOADING)
    late = installed.run("models", "live", "iris", "2", "--timeout", "1", expect=None)

    assert "model 'iris:7' is not registered; registered: iris:1, iris:2" in unknown
    assert "iris:2 was not made live: the worker" in failed
    assert "cannot load it: its file is gone" in failed
    # By whether the worker's last sign still says that it failed.
    assert late.exit_code in {Exit.FAILED, Exit.TIMED_OUT}


def test_delete_is_guarded(installed: Installation, add: Callable[..., Result], host: Host) -> None:
    """By routes and by the live version, each of which is named; what nobody uses goes."""
    for version in (1, 9):
        add(version, name="iris-tree")
    routed = installed.run("models", "delete", "iris-tree:9", expect=Exit.FAILED).stderr
    live = installed.run("models", "delete", "iris-tree:1", expect=Exit.FAILED).stderr
    bare = installed.run("models", "delete", "iris-tree", expect=Exit.USAGE).stderr
    forced = installed.run("models", "delete", "iris-tree:1", "--force")
    gone = installed.run("models", "delete", "iris-tree:1", expect=Exit.FAILED).stderr
    last = installed.run("models", "delete", "iris-tree:9", "--force")

    assert "model 'iris-tree:9' is in use: route 'iris'" in routed
    assert "live version of 'iris-tree'" in live
    assert "which version? Expected iris-tree:VERSION" in bare
    assert "warning" not in forced.stderr  # the other version takes over
    assert forced.stdout.splitlines()[-1] == "'iris-tree' means version 9 now"
    assert "is not registered" in gone
    assert "warning: requests become dead letters of: route 'iris'; register iris-tree:9 again" in last.stderr
    assert last.stdout.splitlines()[-1] == "no version of 'iris-tree' is left"
    assert dict(registry(installed.settings).pointers) == {}


def test_pull_gives_the_registered_bytes(installed: Installation, add: Callable[..., Result], tmp_path: Path) -> None:
    """And nothing else: not those of a file that was changed, and not over a file that is there."""
    add(1)
    out = tmp_path / "pulled.pmml"
    installed.run("models", "pull", "iris", "--out", str(out))
    there = installed.run("models", "pull", "iris:1", "--out", str(out), expect=Exit.FAILED).stderr
    shown = installed.run("models", "pull", "iris:1", "--out", "-").stdout_bytes
    stored = next((tmp_path / "store" / "iris" / "1").iterdir())
    stored.write_text("changed", encoding="utf-8")
    changed = installed.run("models", "pull", "iris", "--out", str(out), "--force", expect=Exit.FAILED).stderr
    stored.unlink()
    gone = installed.run("models", "pull", "iris", "--out", str(out), "--force", expect=Exit.UNAVAILABLE).stderr

    assert out.read_bytes() == shown == (tmp_path / "iris-1.pmml").read_bytes()
    assert "is there already: --out names another, --force replaces it" in there
    assert "expected sha256" in changed
    assert gone.startswith("Error: model file")


@pytest.mark.usefixtures("host")
def test_legacy_messages_are_carried_out(installed: Installation, file: Callable[..., str], tmp_path: Path) -> None:
    """In their order; what is there stays, what is undone later is left out, one that fails stops no other."""
    messages = [
        {"name": UUID, "version": 1, "path": file("first"), "occurredOn": 1},
        {"name": UUID, "version": 2, "path": str(tmp_path / "long-gone.pmml"), "occurredOn": 2},
        {"name": UUID, "version": 2, "occurredOn": 3},
        {"name": UUID, "version": 3, "path": str(tmp_path / "nowhere.pmml"), "occurredOn": 4},
        {"name": UUID, "version": 4, "path": file("fourth"), "occurredOn": 5},
    ]
    written = tmp_path / "messages.jsonl"
    written.write_text("\n".join(map(json.dumps, messages)), encoding="utf-8")
    tried = installed.run("models", "import-legacy", str(written), "--dry-run", expect=Exit.FAILED).stdout
    done = installed.run("models", "import-legacy", str(written), expect=Exit.FAILED)
    again = installed.run("models", "import-legacy", str(written), expect=Exit.FAILED).stdout

    assert tried.count("would be registered") == 2
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["ok", "ok", "ok", "FAILED", "ok"]
    assert "left out: message 3 deletes it" in done.stdout
    assert "1 message failed of 5" in done.stderr
    assert again.count("left alone: it is registered already") == 2
    assert [each["model"] for each in installed.lines("models", "list")] == [f"{UUID}:1", f"{UUID}:4"]
    assert installed.lines("models", "show", f"{UUID}_4")[0]["model"] == f"{UUID}:4"
    written.write_text(json.dumps({"name": UUID, "version": 1}), encoding="utf-8")
    assert installed.run("models", "import-legacy", str(written)).stdout.split()[-1] == "deleted"  # though it was live
    assert dict(registry(installed.settings).pointers)[UUID].live == 4


def test_overwritten_version_is_published_again(installed: Installation, add: Callable[..., Result]) -> None:
    """Compaction would keep a foreign client's message only; the next look at the list cures that, and says so."""
    add(1)
    first = registry(installed.settings).descriptors
    (known,) = first.values()
    forged = known.model_copy(update={"sha256": "0" * 64})
    client = kafka.producer(installed.cluster)
    topic = topics.control_models(installed.settings.topics.prefix)
    client.send(topic, forged.model_dump_json().encode(), key=b"iris:1").get(timeout=SOON_S)
    client.close()
    said = installed.run("models", "list").stderr

    assert said == "warning: somebody wrote over 'iris:1'; what was registered was published again\n"
    assert installed.run("models", "list").stderr == ""
    assert registry(installed.settings).descriptors == first


def test_documents_are_compared_with_the_registry(
    installed: Installation, add: Callable[..., Result], host: Host, tmp_path: Path
) -> None:
    """``validate --models`` tells what a route would miss: what is not registered, and what no worker can load."""
    document = str(tmp_path / "routing.yaml")
    missing = installed.run("validate", document, "--models", expect=Exit.FAILED).stdout
    host.odd["iris-tree:9"] = Standing(State.FAILED, reason="its file is gone")
    add(9, name="iris-tree", expect=Exit.FAILED)
    failed = installed.run("validate", document, "--models", expect=Exit.FAILED).stdout

    assert "route 'iris' names model 'iris-tree:9': it is not registered (there is none)" in missing
    assert "route 'iris' names model 'iris-tree:9': no worker can load iris-tree:9: its file is gone" in failed
    assert failed.splitlines()[-1].endswith(", not all of which can answer")
    assert installed.run("validate", document).exit_code == Exit.OK


def test_broker_that_is_away_is_told(installed: Installation, file: Callable[..., str], away: list[str]) -> None:
    """In one line, after what can be told without it."""
    said = installed.run("models", "list", *away, expect=Exit.UNAVAILABLE).stderr
    assert said.startswith("Error: no Kafka broker answers at '127.0.0.1:1'")
    add = ("models", "add", file(), "--name", "iris", "--version", "1", *away)
    assert installed.run(*add, expect=Exit.UNAVAILABLE).stdout.startswith("iris:1: TreeModel, ")
    assert installed.run(*add, "--dry-run").stdout.endswith("nothing was registered\n")
