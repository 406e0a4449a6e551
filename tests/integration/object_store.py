"""A server that speaks S3 and keeps objects in a folder: S3Proxy, which tests start and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import settings
from penstock.errors import StoreError
from penstock.models.store import Store
from penstock.testing.ports import free_port
from tests.servers import Server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUCKET", "ObjectStore"]

BUCKET = "models"


class ObjectStore(Server):
    """A server with one bucket."""

    def __init__(self, folder: Path) -> None:
        super().__init__("object store")
        self.port = free_port()
        self.bucket = folder / "objects" / BUCKET
        self._folder = folder

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

        def answers() -> bool:
            try:  # its port is open before it can answer
                return not Store(self.options()).exists(f"s3://{BUCKET}/none")
            except StoreError:
                return False

        java = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-jar", jars[0], "--properties", configuration]
        self.run(java, self._folder / "s3proxy.log", answers)
