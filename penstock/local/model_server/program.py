"""The model server as a program: reads its settings, loads what is there, then listens until it is ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock import logs
from penstock import settings as settings_file
from penstock.errors import PenstockError, PrerequisiteError
from penstock.local.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.local.model_server.mirror import Mirror
    from penstock.settings import Settings

__all__ = ["Options", "folder_of", "main", "serve"]

_log = logs.get_logger(__name__)
#: Calls that are under way when the server is ended get so long, in seconds.
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to serve, and where."""

    settings: Settings
    folder: Path
    address: str
    mirror: bool


def folder_of(settings: Settings) -> Path:
    """Return the folder with the registry's SavedModels, as the embedded stack's server has them."""
    return Layout.of(settings).data / "served"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--settings", "file", type=click.Path(dir_okay=False, path_type=Path), help="Settings to start with.")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder of models to serve.")
@click.option("--host", help="Address to listen on; not a public one: nobody is asked who is calling.")
@click.option("--port", type=int, help="Port to listen on.")
def main(file: Path | None, folder: Path | None, host: str | None, port: int | None) -> None:
    """Serve SavedModels over TensorFlow Serving's gRPC interface. This is not TensorFlow Serving.

    With --dir each folder in it is a model and has a folder for each version. Without, the registry's models of format
    saved-model are served, as they come and go.
    """
    try:
        settings = settings_file.load(file)
        logs.configure(settings.logs.level, settings.logs.layout)
        address = f"{host or settings.local.host}:{port or settings.local.model_server_port}"
        asyncio.run(
            serve(
                Options(settings=settings, folder=folder or folder_of(settings), address=address, mirror=folder is None)
            )
        )
    except PenstockError as error:
        click.echo(f"penstock: {error}", err=True)
        sys.exit(1)


async def serve(options: Options) -> None:
    """Serve until the process is told to end.

    Raises:
        PrerequisiteError: TensorFlow is not installed.
        StackError: the address cannot be listened at.
    """
    _log.info(
        "Penstock's own model server: this is not TensorFlow Serving, it speaks TensorFlow Serving's protocol",
        address=options.address,
        folder=str(options.folder),
    )
    version = await asyncio.get_running_loop().run_in_executor(None, _engine)
    _log.info("engine is there", tensorflow=version)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await _served(options, ended)


async def _served(options: Options, ended: asyncio.Event) -> None:
    """Load, listen, and clean up when it is over."""
    from penstock.local.model_server import savedmodel
    from penstock.local.model_server.keeper import Keeper
    from penstock.local.model_server.management import Management
    from penstock.local.model_server.mirror import Mirror
    from penstock.local.model_server.prediction import Prediction
    from penstock.local.model_server.repository import Repository
    from penstock.local.model_server.running import Runner
    from penstock.local.model_server.server import listen

    loop = asyncio.get_running_loop()
    limits = options.settings.model_server
    repository = Repository()
    keeper = Keeper(repository, options.folder, savedmodel.load)
    runner = Runner(limits.most_batch_rows, limits.queue_rows)
    mirror = None
    if options.mirror:
        mirror = Mirror(options.settings, options.folder, lambda: _call(loop, keeper.nudge))
        mirror.start()
        # Who calls before all is there hears that a model is unknown, which is final; no answer at all is not.
        await _first(mirror, ended, options.settings.control.startup_deadline_ms / 1000)
    await keeper.look()
    server = await listen(options.address, Prediction(repository, runner), Management(repository, keeper))
    _log.info("listening", address=options.address, models=sorted(repository.configs))
    looking = loop.create_task(keeper.run(limits.poll_ms / 1000))
    await ended.wait()
    looking.cancel()
    await server.stop(_GRACE_S)
    if mirror is not None:
        mirror.close()
    keeper.close()
    runner.close()
    _log.info("ended")


async def _first(mirror: Mirror, ended: asyncio.Event, patience_s: float) -> None:
    """Wait until the registry's models lie in the folder; not for ever, for those that lay there can be served."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while not ended.is_set() and not mirror.complete.is_set():
        if loop.time() > until:
            _log.warning("the registry was not read yet; serving what is there", seconds=patience_s)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 0.1)


def _engine() -> str:
    from penstock.local.model_server import savedmodel

    try:
        return savedmodel.prepare()
    except ImportError as error:
        fault = f"no TensorFlow, which the model server needs ({error}): run scripts/setup.sh --jobs service"
        raise PrerequisiteError((fault,)) from error


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(what)
