"""Jobs: which are chosen, what is waited for, and what a failure says; the cluster is a small web server."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from penstock.deployables import chosen
from penstock.errors import FlinkUnavailableError, StackError
from penstock.local import jobs, keeper, rest
from penstock.local.layout import Layout
from penstock.local.rest import FlinkRest
from penstock.settings import Settings
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TRACE = """org.apache.flink.runtime.JobException: Recovery is suppressed
\tat org.apache.flink.Some.method(Some.java:1)
Caused by: java.lang.RuntimeException: Failed to create stage bundle factory!
\tat org.apache.flink.Other.method(Other.java:2)
\t... 7 more
Caused by: ModuleNotFoundError: No module named 'nowhere'
"""


def entry(name: str, state: str = "RUNNING", running: int = 2, start: int = 1) -> dict[str, object]:
    """A job as Flink tells of it."""
    return {
        "jid": f"{name}-{start}",
        "name": name,
        "state": state,
        "start-time": start,
        "tasks": {"total": 2, "running": running},
    }


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, the cluster's answer is waited for."""
    monkeypatch.setattr(rest, "_ANSWER_TIMEOUT_S", SOON_S)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Start a cluster with these jobs, and return the settings that lead to it."""
    servers: list[ThreadingHTTPServer] = []

    def start(*entries: dict[str, object]) -> Settings:
        answers = {
            "/jobs/overview": {"jobs": entries},
            "/overview": {"slots-total": 4, "flink-version": "2.3.0"},
            **{
                f"/jobs/{job['jid']}/exceptions": {"exceptionHistory": {"entries": [{"stacktrace": TRACE}]}}
                for job in entries
            },
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer with the canned text."""
                self.send_response(200 if self.path in answers else 404)
                self.end_headers()
                self.wfile.write(json.dumps(answers.get(self.path, {})).encode())

            def do_PATCH(self) -> None:
                """End a job that is not over, as Flink does, and refuse to end one that is."""
                (job,) = (job for job in entries if self.path == f"/jobs/{job['jid']}?mode=cancel")
                self.send_response(409 if job["state"] == "FINISHED" else 202)
                self.end_headers()
                self.wfile.write(b"{}")
                job["state"] = "CANCELED"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Settings(
            flink={"rest_port": server.server_port},
            local={"state_dir": tmp_path, "jobs_deadline_s": 0.2, "poll_interval_s": 0.01},
        )

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


ALL = chosen(["pmml"])
RUNNING = tuple(entry(item.job_name) for item in ALL)


def test_adapters_are_always_chosen() -> None:
    """Scoring jobs run between the two adapters, and none of them alone."""
    assert [item.name for item in chosen(["pmml"])] == ["input_adapter", "pmml_job", "output_adapter"]
    assert [item.name for item in chosen([])] == ["input_adapter", "output_adapter"]


def test_names_of_jobs_are_stable() -> None:
    """The names under which jobs are found on the cluster, by people and programs."""
    assert [item.job_name for item in ALL] == ["penstock-input-adapter", "penstock-pmml-job", "penstock-output-adapter"]


def test_jobs_that_run_are_waited_for(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """All tasks of all jobs run: nothing more to wait for."""
    jobs.await_running(cluster(*RUNNING), Layout(tmp_path), ALL)


def test_job_that_ended_is_told_with_its_cause(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """Flink's messages without the frames between them, and no waiting for the deadline."""
    settings = cluster(*RUNNING[:2], entry("penstock-output-adapter", "FAILED", 0))

    with pytest.raises(StackError, match=r"'penstock-output-adapter' is FAILED with 0 of 2 tasks running") as caught:
        jobs.await_running(settings, Layout(tmp_path), ALL)
    assert "No module named 'nowhere'" in str(caught.value)
    assert "Some.java" not in str(caught.value)


def test_job_that_is_late_is_told(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """When the deadline passes, the job that does not run is named."""
    settings = cluster(*RUNNING[:2], entry("penstock-output-adapter", "RESTARTING", 1))

    with pytest.raises(StackError, match="'penstock-output-adapter' is RESTARTING with 1 of 2 tasks running"):
        jobs.await_running(settings, Layout(tmp_path), ALL)


def test_unknown_job_is_told(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """A job that the cluster has never heard of is another fault than one that fails."""
    with pytest.raises(StackError, match="the cluster does not know the job 'penstock-output-adapter'"):
        jobs.await_running(cluster(*RUNNING[:2]), Layout(tmp_path), ALL)


def test_latest_job_of_a_name_counts(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """A cluster remembers jobs that ended; the one that was started last is meant."""
    settings = cluster(
        *(entry(item.job_name, "CANCELED", 0, start=1) for item in ALL),
        *(entry(item.job_name, start=2) for item in ALL),
    )

    jobs.await_running(settings, Layout(tmp_path), ALL)


def test_silent_cluster_is_an_error_of_ours() -> None:
    """Whoever waits can tell a cluster that is not there from one that says no."""
    with pytest.raises(FlinkUnavailableError, match=r"no Flink cluster answers at 'http://127\.0\.0\.1:1'"):
        FlinkRest("http://127.0.0.1:1").jobs()


def test_cluster_that_dies_in_mid_answer_is_the_same_error() -> None:
    """The keeper of lost jobs looks again; an error that nobody knows would end it."""
    with socket.create_server(("127.0.0.1", 0)) as dying:

        def answer() -> None:
            asked, _ = dying.accept()
            with asked:
                asked.recv(65_536)
                asked.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(FlinkUnavailableError, match="IncompleteRead"):
            FlinkRest(f"http://127.0.0.1:{dying.getsockname()[1]}").slots()
        thread.join()


def test_keeper_asks_once_for_all_jobs(
    cluster: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps commands out meanwhile, which wait for one slow answer, not for one for each job; for none, none."""
    settings, layout = cluster(*RUNNING), Layout(tmp_path)
    layout.make()
    ask, asked = FlinkRest._get, []

    def counted(self: FlinkRest, path: str) -> object:
        asked.append(path)
        return ask(self, path)

    monkeypatch.setattr(FlinkRest, "_get", counted)
    assert keeper.look(settings, layout) == []
    assert asked == []
    (layout.conf / "submitted.json").write_text(json.dumps({item.name: "" for item in ALL}), encoding="utf-8")
    assert keeper.look(settings, layout) == []
    assert asked == ["/jobs/overview"]


def test_cluster_tells_slots_and_version(cluster: Callable[..., Settings]) -> None:
    """What health check and status ask for."""
    rest = FlinkRest(cluster().flink.rest_url)

    assert (rest.slots(), rest.version()) == (4, "2.3.0")


def test_jobs_that_cannot_stop_are_cancelled(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """Neither a job that is restarting nor one that refuses takes a last checkpoint."""
    restarting = entry("penstock-pmml-job", state="RESTARTING")
    refusing = entry("penstock-input-adapter")

    jobs.stop_all(cluster(restarting, refusing), Layout(tmp_path))

    assert (restarting["state"], refusing["state"]) == ("CANCELED", "CANCELED")


def test_only_these_jobs_end(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """Told by their names; one that is over is none of them."""
    pmml, first, last = (entry(item.job_name, state="RESTARTING") for item in (ALL[1], ALL[0], ALL[2]))
    last["state"] = "FINISHED"

    assert jobs.stop(cluster(pmml, first, last), Layout(tmp_path), ALL[1:]) == ["pmml_job"]
    assert [job["state"] for job in (pmml, first, last)] == ["CANCELED", "RESTARTING", "FINISHED"]


def test_no_job_ends_where_no_cluster_answers(tmp_path: Path) -> None:
    """Then none runs, and nobody is kept from going on."""
    away = Settings(flink={"rest_port": 1})

    assert jobs.stop(away, Layout(tmp_path), ALL) == []
    assert jobs.stop(away, Layout(tmp_path), ()) == []


def test_jobs_of_others_are_left_alone(cluster: Callable[..., Settings], tmp_path: Path) -> None:
    """A Flink cluster may run what is not Penstock's."""
    ours, theirs = entry("penstock-pmml-job", state="RESTARTING"), entry("penstock-of-somebody", state="RESTARTING")

    jobs.stop_all(cluster(ours, theirs), Layout(tmp_path))

    assert (ours["state"], theirs["state"]) == ("CANCELED", "RESTARTING")


def test_cancelling_a_job_that_is_over_is_harmless(cluster: Callable[..., Settings]) -> None:
    """It may end by itself just before it is asked to; the cluster answers that with a conflict."""
    loaded = cluster(entry("penstock-pmml-job", state="FINISHED"))

    FlinkRest(loaded.flink.rest_url).cancel("penstock-pmml-job-1")
