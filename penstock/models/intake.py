"""A model on its way into the registry: its file is fetched and looked into, and its descriptor made of what it says.

No Kafka here: what comes out is a descriptor that can be registered, or reasons why not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from penstock.errors import ModelChecksumError, ModelLoadError
from penstock.models.descriptor import FOLDER_FORMATS, ModelDescriptor, usual_format
from penstock.models.findings import Severity
from penstock.models.inspection import look_into
from penstock.models.pack import entries, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.models.findings import Finding, Inspection
    from penstock.models.inspection import Checks
    from penstock.models.ref import ModelRef
    from penstock.models.store import Store

__all__ = ["SAID", "Intake", "Offer", "described", "local_path", "place", "take"]

SAID = ("description", "format", "inputs", "outputs", "prediction", "sample", "server")
"""Keys of a descriptor whose values are its author's, where there are any."""
#: Enough to see what is wrong where one line has to do.
_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What somebody wants to have registered."""

    ref: ModelRef
    job: str
    source: str | None
    """The file: a path, or a URI; or a folder, which is packed. None where the model's server has it."""
    sha256: str | None = None
    """Digest that the file is to have, where it is known."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What the author says of it, by keys of a descriptor; it wins over what the file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A model that was looked into."""

    descriptor: ModelDescriptor
    """Its ``uri`` is where the file came from."""
    path: Path | None
    """Its file on this machine, if it has one."""
    packed: bool = False
    """Whether that was made of a folder just now: then nobody else finds it where it came from."""
    findings: tuple[Finding, ...] = ()

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings for which it is refused."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)

    def require(self) -> None:
        """Raise `ModelLoadError` with the first faults, where there are any."""
        faults = [place(each) for each in self.faults]
        if faults:
            more = f"; and {len(faults) - _FEW} more" if len(faults) > _FEW else ""
            raise ModelLoadError(str(self.descriptor.ref), "; ".join(faults[:_FEW]) + more)


def described(descriptor: ModelDescriptor) -> Offer:
    """Offer what a descriptor file describes."""
    said = descriptor.model_dump(mode="json", include=set(SAID), exclude_defaults=True)
    return Offer(ref=descriptor.ref, job=descriptor.job, source=descriptor.uri, sha256=descriptor.sha256, said=said)


def take(offer: Offer, store: Store, folder: Path, checks: Checks) -> Intake:
    """Fetch an offered file, into ``folder`` where it is not on this machine, and look into it.

    Raises:
        ModelLoadError: the file or folder cannot be read, or is another than its author says.
        ModelChecksumError: its bytes are others than they are to be.
        ModelDescriptorError: what is said of it makes no descriptor.
        StoreError: its store does not give it.
    """
    said = {key: value for key, value in offer.said.items() if key in SAID}
    own = {"name": offer.ref.name, "version": offer.ref.version, "job": offer.job}
    if offer.source is None:
        return _on_server(offer, {**said, **own}, checks)
    path, packed = _fetched(offer, offer.source, store, folder)
    digest, size = _digest(offer, path)
    form = {"format": usual_format(offer.job), **said}["format"]
    if form in FOLDER_FORMATS:
        entries(path, checks.most_unpacked_bytes)
    inspection = look_into(offer.job, path, checks, offer.said)
    tree = {
        **(_agreed(offer, inspection) if inspection else {}),
        **said,
        **own,
        "format": form,
        "uri": _lasting(offer.source, path),
        "sha256": digest,
        "bytes": size,
    }
    for key in ("inputs", "outputs"):
        if inspection and _types(tree.get(key, ())) == _types(inspection.fields.get(key, ())):
            tree[key] = inspection.fields.get(key, ())  # the same, with all that the file says of them
    findings = tuple(inspection.findings) if inspection else ()
    descriptor = ModelDescriptor.parse(tree, str(offer.ref))
    return Intake(descriptor=descriptor, path=path, packed=packed, findings=findings)


def _on_server(offer: Offer, said: Mapping[str, Any], checks: Checks) -> Intake:
    """Look at a model that its server has: what its author leaves out the server says, where it can be asked."""
    descriptor = ModelDescriptor.parse(said, str(offer.ref))
    inspection = look_into(offer.job, None, checks, said)
    if inspection is None:
        return Intake(descriptor=descriptor, path=None)
    descriptor = ModelDescriptor.parse({**said, **inspection.fields}, str(offer.ref))
    return Intake(descriptor=descriptor, path=None, findings=tuple(inspection.findings))


def _fetched(offer: Offer, source: str, store: Store, folder: Path) -> tuple[Path, bool]:
    """Return the file on this machine, and whether it was packed for that."""
    path = local_path(source)
    if path is None:
        store.fetch(source, folder / "model")
        return folder / "model", False
    if not path.is_dir():
        return path, False
    if usual_format(offer.job) not in FOLDER_FORMATS:
        advice = "name the file in it, or the job that it is for: --job"
        detail = f"{str(path)!r} is a folder: models of job {offer.job!r} are files; {advice}"
        raise ModelLoadError(str(offer.ref), detail)
    with (folder / "model.zip").open("wb") as file:
        pack(path, file)
    return folder / "model.zip", True


def place(finding: Finding) -> str:
    """Write a finding in a line: where it is, the rule, what was found, what to do."""
    at = ":".join(str(each) for each in (finding.line, finding.column) if each is not None)
    where = " ".join(filter(None, (at and f"{at}:", finding.element and f"{finding.element}:")))
    said = "; ".join(filter(None, (finding.rule, finding.found, finding.advice)))
    return f"{where} {said}" if where else said


def _agreed(offer: Offer, inspection: Inspection) -> Mapping[str, Any]:
    """Return what the file tells; raise `ModelLoadError` where its author speaks of other inputs: it is out of date."""
    described, found = _types(offer.said.get("inputs", ())), _types(inspection.fields.get("inputs", ()))
    if described and found and described != found:
        raise ModelLoadError(str(offer.ref), f"its descriptor has inputs {described}, its file {found}")
    return {key: value for key, value in inspection.fields.items() if value is not None}


def _types(fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {each["name"]: each["type"] for each in fields}


def _digest(offer: Offer, path: Path) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except OSError as error:
        detail = f"its file {str(path)!r} cannot be read ({error.strerror}): correct the path, or put it there"
        raise ModelLoadError(str(offer.ref), detail) from error
    if offer.sha256 not in {None, digest}:
        raise ModelChecksumError(str(path), str(offer.sha256), digest)
    return digest, size


def local_path(source: str) -> Path | None:
    """Return the path of a file on this machine; None where its store has to give it."""
    if "://" not in source:
        return Path(source)
    try:
        uri = urlsplit(source)
    except ValueError:  # what is wrong with it its store says
        return None
    return Path(unquote(uri.path)) if uri.scheme == "file" and uri.netloc in {"", "localhost"} else None


def _lasting(source: str, path: Path) -> str:
    """Return where the file is, so that others find it too."""
    return source if "://" in source else (local_path(source) or path).resolve().as_uri()
