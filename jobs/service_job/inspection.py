"""What the service job says of a model before it is taken in: of a SavedModel by its file, else by its server's word.

TensorFlow is not needed for either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.service_job import saved_model
from jobs.service_job.connecting import ServerConfig, connected
from jobs.service_job.loader import lasting, spec_of
from jobs.service_job.matching import match
from penstock.errors import ModelDescriptorError, ModelLoadError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.findings import Finding, Inspection, Severity
from penstock.remote.calls import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.service_job.client import Signature, TensorSpec
    from penstock.models.inspection import Checks
    from penstock.settings import ServiceSettings

__all__ = ["inspect"]

_FORMAT = "saved-model"
#: Formats of models that a server has, by what it speaks.
_FORMATS = {"tensorflow": "tensorflow-serving", "open-inference": "open-inference"}
_METHODS = {"classify": "tensorflow/serving/classify", "regress": "tensorflow/serving/regress"}
#: What a descriptor has to have, and what nothing is checked by here.
_WHATEVER = {"name": "model", "version": 1, "job": "service", "uri": "model.zip", "sha256": "0" * 64}
_ONE_OF_ITS_OWN = "name one of its own: --signature, or server.signature in the descriptor"


def inspect(path: Path | None, said: Mapping[str, Any], checks: Checks) -> Inspection:
    """Check a model against what its author says of it.

    Args:
        path: the packed SavedModel; None where a server has the model: then that is asked, if the checks say where it
            is.
        said: keys of a descriptor.
        checks: how closely; of a file all is looked at, always.
    """
    if path is not None:
        return _inspect_file(path, said)
    return Inspection((), {}) if checks.service is None else _ask(said, checks.service)


def _inspect_file(path: Path, said: Mapping[str, Any]) -> Inspection:
    try:
        found = saved_model.read(path)
    except saved_model.SavedModelError as error:
        return Inspection([Finding(rule="the file is a packed SavedModel", found=str(error))], {})
    server = said.get("server") or {}
    name, method = server.get("signature", "serving_default"), server.get("method", "predict")
    signature = found.signatures.get(name)
    producer = {"producer": f"TensorFlow {found.tensorflow}"} if found.tensorflow else {}
    fields: dict[str, Any] = {"format": _FORMAT, **producer}
    if signature is None:
        known = ", ".join(sorted(found.signatures)) or "none"
        rule = f"it has the signature {name!r}"
        return Inspection([Finding(rule=rule, found=f"it has {known}", advice=_ONE_OF_ITS_OWN)], fields)
    descriptor = {**said, **_WHATEVER, "format": _FORMAT}
    findings = [*_findings(name, method, signature), *_disagreements(descriptor, signature)]
    return Inspection(findings, fields | _sides(method, signature, said))


def _ask(said: Mapping[str, Any], service: ServiceSettings) -> Inspection:
    """Let its server say what the model takes and gives. One that does not answer now may do so when workers ask."""
    descriptor = ModelDescriptor.parse(said, "model")
    server = descriptor.on_server.name
    if server not in service.servers:
        found = f"it is {server!r}, and there is {', '.join(sorted(service.servers))}"
        rule = "its server is one of service.servers"
        return Inspection([Finding(rule=rule, found=found, advice="add it there, for the job, too")], {})
    speaks = service.servers[server].protocol
    if descriptor.format != _FORMATS[speaks]:
        rule = f"a model of format {descriptor.format!r} is on a server that speaks so"
        found = f"its server {server!r} speaks {speaks!r} (service.servers)"
        advice = f"add it with --protocol {speaks}, which is format {_FORMATS[speaks]!r}, or correct the settings"
        return Inspection([Finding(rule=rule, found=found, advice=advice)], {})
    client = connected(ServerConfig.of(service, server))
    try:
        signature = client.metadata(spec_of(descriptor))
    except CallError as error:
        rule = f"its server {server!r} says what it takes and gives"
        if lasting(error):
            wrong = error.code == "INVALID_ARGUMENT"  # there are no rows in this call: it is the signature
            advice = _ONE_OF_ITS_OWN if wrong else "correct 'server' in the descriptor, or the server"
            return Inspection([Finding(rule=rule, found=str(error), advice=advice)], {})
        advice = "workers ask again; see 'penstock models status'"
        return Inspection([Finding(rule=rule, found=str(error), advice=advice, severity=Severity.WARNING)], {})
    finally:
        client.close()
    return Inspection(_disagreements(said, signature), _sides(descriptor.on_server.method, signature, said))


def _sides(method: str, signature: Signature, said: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs and outputs, with what the author says of them; of Examples no signature tells any."""
    if method != "predict":
        return {}
    sides = {"inputs": signature.inputs, "outputs": signature.outputs}
    return {side: _fields(tensors, said.get(side) or ()) for side, tensors in sides.items()}


def _findings(name: str, method: str, signature: Signature) -> Sequence[Finding]:
    wanted = _METHODS.get(method)
    if wanted is None or signature.method == wanted:
        return ()
    found = f"its method is {signature.method!r}"
    rule = f"method {method!r} wants a signature that was exported as {wanted!r}"
    return [Finding(element=name, rule=rule, found=found, advice="set server.method to predict, or export it so")]


def _disagreements(said: Mapping[str, Any], signature: Signature) -> Sequence[Finding]:
    """What workers would refuse it for."""
    rule = "what is said of the model is so"
    try:
        match(ModelDescriptor.parse(said, "model"), signature, 1)
    except ModelDescriptorError:
        return ()  # told when the descriptor is made of all that is said
    except ModelLoadError as error:
        return [Finding(rule=rule, found=error.detail)]
    return ()


def _fields(tensors: Mapping[str, TensorSpec], said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tensors as a descriptor has them, with what the author says of them (such as that one is an image).

    Where the author names some, no others are wanted. Those of no type that a descriptor can have are left out.
    """
    told = {each["name"]: each for each in said}
    known = {
        name: {"name": name, "type": spec.dtype, **({} if spec.shape is None else {"shape": list(spec.shape)})}
        for name, spec in tensors.items()
        if spec.dtype
    }
    order = [name for name in told if name in known] if told else sorted(known)
    return [{**known[name], **told.get(name, {})} for name in order]
