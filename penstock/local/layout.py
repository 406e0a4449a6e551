"""Where the embedded stack keeps what: the folders in its state folder, its identity, its control socket."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["Layout"]

#: A socket's path must fit into the 108 bytes of `sockaddr_un`, of which the server needs some for a temporary name.
_LONGEST_SOCKET_PATH = 90


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one stack; two stacks with different state folders share nothing."""

    state_dir: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        """Return the layout of the stack that settings describe."""
        return cls(settings.local.state_dir)

    @property
    def stack_id(self) -> str:
        """The stack's identity, the same whenever the state folder is the same; its processes carry it as a mark."""
        return hashlib.sha256(f"{os.getuid()}:{self.state_dir.resolve()}".encode()).hexdigest()[:12]

    @property
    def lock(self) -> Path:
        """Held while the stack is brought up or taken down; its text is the stack's identity."""
        return self.state_dir / "lock"

    @property
    def conf(self) -> Path:
        """Generated configuration, and the settings in force."""
        return self.state_dir / "conf"

    @property
    def flink_conf(self) -> Path:
        """Flink's own configuration folder."""
        return self.conf / "flink"

    @property
    def flink_lib(self) -> Path:
        """Links to the jars on the class path of Flink and of the clients that submit jobs."""
        return self.conf / "flink-lib"

    @property
    def settings_file(self) -> Path:
        """The settings that the running stack was started with."""
        return self.conf / "settings.yaml"

    @property
    def applied(self) -> Path:
        """The settings and the wheel that the jobs and our programs run with."""
        return self.conf / "applied"

    @property
    def data(self) -> Path:
        """What must survive a restart: the broker's log, Flink's checkpoints."""
        return self.state_dir / "data"

    @property
    def logs(self) -> Path:
        """One log per process and per step."""
        return self.state_dir / "logs"

    @property
    def run(self) -> Path:
        """Process ids, one file per process."""
        return self.state_dir / "run"

    @property
    def tmp(self) -> Path:
        """What programs unpack; nothing in it outlives the stack."""
        return self.state_dir / "tmp"

    @property
    def wheel(self) -> Path:
        """The wheel as it was built last; whatever runs does so from a copy of it (`applied`)."""
        return self.state_dir / "wheel"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket: in the state folder, or a private temporary one if that path is too long."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        return Path(tempfile.gettempdir()) / f"penstock-{self.stack_id}" / "supervisor.sock"

    def log(self, program: str) -> Path:
        """Return the log file of a process or step."""
        return self.logs / f"{program}.log"

    def pid_file(self, program: str) -> Path:
        """Return the file that holds a process's id."""
        return self.run / f"{program}.pid"

    def make(self) -> None:
        """Make the folders; only their owner may look into those with settings and the socket."""
        for folder in (self.data, self.logs, self.tmp, self.wheel):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.conf, self.run, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def removable(self) -> tuple[Path, ...]:
        """Return what a purge deletes: not the downloads and the wheel, which cost time and hold no data."""
        return (self.data, self.logs, self.tmp, self.conf, self.run)
