"""The options by which a command is told of a model that is to be registered."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock.cli.models.arguments import versioned
from penstock.deployables import SCORING
from penstock.models.descriptor import ModelDescriptor
from penstock.models.intake import Offer, described

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_JOB", "job_option", "offering"]

T = TypeVar("T")

DEFAULT_JOB = "pmml"
job_option: Callable[..., click.Command] = click.option(
    "--job", type=click.Choice(list(SCORING)), help=f"The job that scores it.  [default: {DEFAULT_JOB}]"
)


class _Sample(click.ParamType[Any]):
    """An input of a model: JSON, or ``@FILE`` with JSON in it."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        try:
            content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
            sample = json.loads(content)
        except (OSError, ValueError) as error:
            self.fail(f"expected JSON, or @FILE with JSON in it: {error}", param, ctx)
        if not isinstance(sample, dict | list):
            self.fail(f"expected an object or a list, got {text!r}", param, ctx)
        return sample


def offering(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that tell of a model; the command gets an ``offer``."""

    @click.argument("source", metavar="[FILE]", required=False)
    @click.option("--name", help="Its name: letters, digits, '-' and '_'.")
    @click.option("--version", type=click.IntRange(min=0), metavar="N", help="Its version: a whole number.")
    @job_option
    @click.option(
        "--descriptor",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A descriptor.yaml that says all this, and which file; options win over it.",
    )
    @click.option("--description", metavar="TEXT", help="For people.")
    @click.option(
        "--sample", type=_Sample(), metavar="JSON", help="An input to try it with, or @FILE; else one is made up."
    )
    @click.option("--prediction", metavar="OUTPUT", help="The output that becomes the result's prediction.")
    @functools.wraps(command)
    def wrapped(**options: Any) -> T:
        names = ("source", "name", "version", "job", "descriptor", "description", "sample", "prediction")
        return command(offer=_offer(**{name: options.pop(name) for name in names}), **options)

    return wrapped


def _offer(*, source: str | None, descriptor: Path | None, **options: Any) -> Offer:
    said = {key: options[key] for key in ("description", "sample", "prediction") if options[key] is not None}
    name, version, job = options["name"], options["version"], options["job"]
    known = None if descriptor is None else described(ModelDescriptor.load(descriptor))
    if known is not None:
        name = known.ref.name if name is None else name
        version = known.ref.version if version is None else version
        job, source, said = job or known.job, source or known.source, {**known.said, **said}
    if source is None and known is None:
        raise click.UsageError("which file? Give a path or a URI, or --descriptor with one that names it")
    if name is None or version is None:
        raise click.UsageError("a model needs --name and --version, or --descriptor with a file that says them")
    ref = versioned(name, version, "'--name'")
    digest = None if known is None else known.sha256
    return Offer(ref=ref, job=job or DEFAULT_JOB, source=source, sha256=digest, said=said)
