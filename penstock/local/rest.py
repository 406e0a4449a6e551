"""Flink's REST interface: what the embedded stack asks of it."""

from __future__ import annotations

import http.client
import json
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from penstock.errors import FlinkUnavailableError

__all__ = ["ALIVE", "FlinkRest", "Job"]

#: States of a job that the cluster still cares for: it runs, or will again without anyone's help.
ALIVE = frozenset({"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "FAILING", "RECONCILING"})
_STARTING = frozenset({"INITIALIZING", "CREATED", "RUNNING", "RECONCILING"})
#: A machine that stands still for a moment answers late. Less than a command waits for the keeper, which asks too.
_ANSWER_TIMEOUT_S = 20
#: What the cluster answers who wants to end a job that is over.
_ENDED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
#: The machine's proxy settings are for the world outside; the cluster is asked directly.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the cluster sees it."""

    id: str
    name: str
    state: str
    running: int
    total: int
    started_ms: int

    @property
    def healthy(self) -> bool:
        """Whether all of its tasks run."""
        return self.state == "RUNNING" and self.total > 0 and self.running == self.total

    @property
    def starting(self) -> bool:
        """Whether some of its tasks are on their way; not so while it recovers from a failure, which may come again."""
        return self.state in _STARTING and not self.healthy


@dataclass(frozen=True, slots=True)
class FlinkRest:
    """A client for the REST interface at ``url``; a cluster that does not answer is ``FlinkUnavailableError``."""

    url: str

    def slots(self) -> int:
        """Return how many slots the task managers offer, taken or free."""
        return int(self._get("/overview")["slots-total"])

    def version(self) -> str:
        """Return the cluster's version."""
        return str(self._get("/overview")["flink-version"])

    def jobs(self) -> list[Job]:
        """Return all jobs that the cluster remembers, the latest of each name last."""
        found = [
            Job(
                id=entry["jid"],
                name=entry["name"],
                state=entry["state"],
                running=entry["tasks"]["running"],
                total=entry["tasks"]["total"],
                started_ms=entry["start-time"],
            )
            for entry in self._get("/jobs/overview")["jobs"]
        ]
        return sorted(found, key=lambda job: job.started_ms)

    def failure(self, job_id: str) -> str:
        """Return why a job failed last, with its stack trace, or nothing."""
        history = self._get(f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return str(history[0]["stacktrace"]) if history else ""

    def stop(self, job_id: str, folder: str) -> str:
        """Ask a job to end after a last checkpoint, so that nothing is read twice; returns what ``stopped`` asks by."""
        return str(self._post(f"/jobs/{job_id}/stop", {"targetDirectory": folder, "drain": False})["request-id"])

    def stopped(self, job_id: str, request_id: str) -> bool:
        """Say whether what ``stop`` asked for is over, well or not."""
        return bool(self._get(f"/jobs/{job_id}/savepoints/{request_id}")["status"]["id"] == "COMPLETED")

    def cancel(self, job_id: str) -> None:
        """End a job at once; nothing happens if it has ended."""
        request = urllib.request.Request(f"{self.url}/jobs/{job_id}?mode=cancel", method="PATCH")  # noqa: S310
        try:
            self._ask(request)
        except FlinkUnavailableError as error:
            if getattr(error.__cause__, "code", None) not in _ENDED:
                raise

    def _get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(self.url + path))  # noqa: S310 - http, from settings

    def _post(self, path: str, body: object) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(self.url + path, json.dumps(body).encode(), headers))  # noqa: S310

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            with _OPENER.open(request, timeout=_ANSWER_TIMEOUT_S) as answer:
                return json.load(answer)
        except (OSError, ValueError, http.client.HTTPException) as error:  # the last: killed in mid-answer
            raise FlinkUnavailableError(self.url, str(error)) from error
