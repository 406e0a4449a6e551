"""``penstock models pull``: a model's file, as it was registered."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.documents import STDIN
from penstock.cli.models.arguments import RefParam, found
from penstock.cli.options import with_settings
from penstock.control import adding, models
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelFile
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["pull"]

_STDOUT = STDIN  # a dash means either, by the side that it stands on


@click.command(
    epilog="""\b
Examples:
  penstock models pull iris-tree                       # the live version, into iris-tree-2.pmml
  penstock models pull iris-tree:1 --out old.pmml
  penstock models pull iris-tree:1 --out - | xmllint --format -

Exit status: 0 done; 1 it is not registered, its file is not the one that was, or --out is there already; 2 wrong usage
or settings; 3 Kafka or the store cannot be used."""
)
@click.argument("ref", type=RefParam())
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Where to write it; - for standard output.  [default: NAME-VERSION.FORMAT, of a folder NAME-VERSION.zip]",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@with_settings
def pull(settings: Settings, *, ref: ModelRef, out: Path | None, force: bool) -> None:
    """Fetch the file of REF, NAME:VERSION or a bare NAME for the live version; its digest is checked."""
    descriptor = found(models.registry(settings), ref)
    file = descriptor.file
    target = Path(f"{descriptor.name}-{descriptor.version}.{descriptor.suffix}") if out is None else out
    if target != _STDOUT and target.exists() and not force:
        raise click.ClickException(
            f"the file {str(target)!r} is there already: --out names another, --force replaces it"
        )
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        path = Path(folder) / "model"
        adding.store_of(settings).fetch(file.uri, path)
        _require_digest(file, path)
        if target == _STDOUT:
            with path.open("rb") as fetched:
                shutil.copyfileobj(fetched, sys.stdout.buffer)
            return
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            shutil.copyfile(path, partial)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise click.ClickException(f"the file {str(target)!r} cannot be written: {error.strerror}") from error
    click.echo(f"{descriptor.ref} is in {target}, {file.sha256}")


def _require_digest(registered: ModelFile, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != registered.sha256:
        facts = f"expected sha256 {registered.sha256}, got {digest}"
        raise click.ClickException(
            f"model file {shown_uri(registered.uri)!r}: {facts}; it was changed since it was registered: put it back"
        )
