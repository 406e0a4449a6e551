"""A server that speaks S3 and keeps objects in a folder: S3Proxy, which tests start and end."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock import settings
from penstock.errors import StoreError
from penstock.local.waiting import log_tail, wait_until
from penstock.models.store import Store
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BUCKET", "ObjectStore", "running"]

BUCKET = "models"
_UP_S = 60
_POLL_S = 0.2


class ObjectStore:
    """A server with one bucket."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(1)[0]
        self.bucket = folder / "objects" / BUCKET
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def options(self, **changes: Any) -> dict[str, dict[str, Any]]:
        """Return what a store has to be given to use it; keywords replace keys."""
        return {"s3": {"endpoint_url": f"http://127.0.0.1:{self.port}", "key": "user", "secret": "password"} | changes}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.bucket.mkdir(parents=True, exist_ok=True)  # its clients' way to make one does not work with it
        configuration = self._folder / "s3proxy.conf"
        facts = {
            "s3proxy.endpoint": f"http://127.0.0.1:{self.port}",
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": "user",
            "s3proxy.credential": "password",
            "jclouds.provider": "filesystem",
            "jclouds.filesystem.basedir": self.bucket.parent,
        }
        configuration.write_text("".join(f"{key}={value}\n" for key, value in facts.items()), encoding="utf-8")
        jars = list((settings.load().local.jars_dir / "s3proxy").glob("*.jar"))
        assert len(jars) == 1, f"expected one jar of S3Proxy, got {jars}: run 'make setup'"
        log = self._folder / "s3proxy.log"
        with log.open("ab") as output:
            process = self._process = subprocess.Popen(
                ["java", "-Xmx128m", "-XX:+UseSerialGC", "-jar", jars[0], "--properties", configuration],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

        def answers() -> bool:
            assert process.poll() is None, f"the object store ended:\n{log_tail(log)}"
            try:  # its port is open before it can answer
                return not Store(self.options()).exists(f"s3://{BUCKET}/none")
            except StoreError:
                return False

        assert wait_until(answers, _UP_S, _POLL_S), f"no object store after {_UP_S} s:\n{log_tail(log)}"

    def kill(self) -> None:
        """End it without a warning; its objects stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_UP_S)
            self._process = None


@contextmanager
def running(folder: Path) -> Iterator[ObjectStore]:
    """Run one, with its files in the folder."""
    server = ObjectStore(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
