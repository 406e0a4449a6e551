"""Everything that can be said against a PMML file before it is served, all at once, each with its place.

In the order of cost: is it XML; does it say what a model needs; does it ask for what our engine cannot do; is it as
PMML's schema says; does the engine load it; does it score a sample; does it give what its own verification rows say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from jobs.pmml_job.metadata import Metadata, with_outputs, without_engine
from jobs.pmml_job.metadata import of_outline as metadata_of
from jobs.pmml_job.mining_schema import read_inputs
from jobs.pmml_job.outline import MODEL_PARTS, OutlineError, outline
from jobs.pmml_job.requests import RequestReader
from jobs.pmml_job.samples import samples
from jobs.pmml_job.support import FUNCTIONS, RULES
from jobs.pmml_job.survey import cut_constants, finding, survey, undeclared
from jobs.pmml_job.verification import compare, verified_rows
from penstock.errors import InputError, ModelLoadError, PrerequisiteError, RecordError
from penstock.event import JSON
from penstock.models.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobs.pmml_job.engine import PmmlModel
    from jobs.pmml_job.mining_schema import InputField, Scalar
    from jobs.pmml_job.outline import Element
    from jobs.pmml_job.survey import Survey
    from jobs.pmml_job.verification import Verified

__all__ = ["Checked", "check", "read"]

_MOST = 20  # findings of one rule: whoever has more mends the exporter, not the lines
_NO_MODEL = "export the model anew, and check that the file arrived whole"
_EXPORT = "correct the file, or its exporter"
_LOADS = "the engine loads the file"
_SCORES = "the model scores its sample"
_NOT_HERE = "do not serve this model here: the engine computes it otherwise than its maker"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check brought."""

    findings: tuple[Finding, ...]
    """In the order of the file."""
    metadata: Metadata | None
    """None where the file is no PMML with a model."""

    @property
    def ok(self) -> bool:
        """Whether nothing keeps the model out."""
        return all(each.severity is not Severity.ERROR for each in self.findings)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is PMML with a model."""

    path: Path
    root: Element
    model: Element
    inputs: tuple[InputField, ...]
    walked: Survey
    findings: list[Finding]


def check(
    path: Path, *, schema: Path, heap_mb: int, sample: Any = None, lax: bool = False, prediction: str | None = None
) -> Checked:
    """Check the file at ``path``, with all that the job has; starts Java in this process.

    Args:
        path: the file.
        schema: the folder of the jar with PMML's schema: ``pmml`` below ``local.jars_dir``.
        heap_mb: Java's heap, as the workers have it (``pmml.heap_mb``).
        sample: an input, as an event has it; None: one is made from the types.
        lax: what the schema says against the file is a warning only.
        prediction: the output that is the prediction; None: the engine's choice.

    Raises `PrerequisiteError` where there is no Java or no schema.
    """
    data = path.read_bytes()
    found = _read(path, data)
    if isinstance(found, Checked):
        return found
    from jobs.pmml_job import engine
    from jobs.pmml_job import schema as schema_of_pmml

    load = engine.start(heap_mb)
    try:
        found.findings.extend(schema_of_pmml.validate(path, data, schema, lax=lax, most=_MOST))
    except FileNotFoundError as error:
        raise PrerequisiteError((f"PMML's schema is not here ({error}); run 'scripts/setup.sh'",)) from error
    told = metadata_of(found.root)
    try:
        model = load(path, path.name)
    except ModelLoadError as error:
        found.findings.extend(_refusal(error, found))
        return _checked(found, told)
    told = replace(told, outputs=with_outputs(told.outputs, model.outputs))
    return _tried(found, model, told, sample, prediction)


def _tried(found: _File, model: PmmlModel, told: Metadata, sample: Any, prediction: str | None) -> Checked:
    """Have a model that is loaded score the sample and the file's own rows, unless something is wrong already."""
    rows = _rows(found)
    if any(each.severity is Severity.ERROR for each in found.findings):
        return _checked(found, told)  # what it answers would only be what was said already
    primary = _primary(model, prediction)
    if primary is None:
        found.findings.append(_no_prediction(found, model, prediction))
        return _checked(found, told)
    found.findings.extend(_strangers(found, sample))
    sample, scored = _sampled(found, model, primary, sample, [row.input for row in rows])
    found.findings.extend(scored)
    found.findings.extend(_verified(found, model, rows))
    return _checked(found, replace(told, sample=sample))


def read(path: Path) -> Checked:
    """Check what can be told without Java: XML, what a model needs, what our engine cannot do."""
    found = _read(path, path.read_bytes())
    if isinstance(found, Checked):
        return found
    return _checked(found, without_engine(metadata_of(found.root), found.root))


def _read(path: Path, data: bytes) -> _File | Checked:
    try:
        root = outline(data, MODEL_PARTS)
        walked = survey(data, RULES, _MOST)
        findings = [*walked.findings, *undeclared(walked, FUNCTIONS), *_other_models(walked), *cut_constants(data)]
        inputs, faults = read_inputs(root)
        model = root.model()
    except OutlineError as error:
        unserved = [] if error.element != "PMML" else survey(data, RULES, _MOST).findings
        told = _told(error, "the file is PMML, in UTF-8, with a model and a data dictionary", _NO_MODEL)
        return Checked((*unserved, told), None)
    findings += [_told(fault, "the mining schema says what the model takes", _EXPORT) for fault in faults]
    return _File(path, root, model, inputs, walked, findings)


def _checked(found: _File, told: Metadata) -> Checked:
    unique = dict.fromkeys(found.findings)
    return Checked(tuple(sorted(unique, key=lambda each: (each.line or 0, each.column or 0))), told)


def _told(error: OutlineError, rule: str, advice: str) -> Finding:
    """A fault of the outline as a finding."""
    return Finding(
        line=error.line, column=error.column, element=error.element, rule=rule, found=error.detail, advice=advice
    )


def _other_models(walked: Survey) -> Iterator[Finding]:
    for node in walked.models[1:]:
        yield finding(
            "a file has one model",
            node,
            f"the first model is scored, this {node.name} never is",
            "put every model into a file of its own",
            Severity.WARNING,
        )


def _refusal(error: ModelLoadError, found: _File) -> Iterator[Finding]:
    """What the engine says, at the place of what it names; nothing where something was said of that place already."""
    names = re.findall(r"'([^']+)'", error.detail)
    nodes = [node for node in map(found.walked.place, names) if node is not None]
    at = nodes[0] if nodes else found.walked.models[0]
    known = {(each.line, each.column) for each in found.findings if each.severity is Severity.ERROR}
    if (at.line, at.column) not in known and (nodes or not known):
        yield finding(_LOADS, at, f"it refuses: {error.detail}", _EXPORT)


def _at_model(found: _File, rule: str, text: str, advice: str, severity: Severity = Severity.ERROR) -> Finding:
    return finding(rule, found.walked.models[0], text, advice, severity)


def _primary(model: PmmlModel, prediction: str | None) -> int | None:
    if prediction is None:
        return model.primary()
    return next((at for at, output in enumerate(model.outputs) if output.name == prediction), None)


def _no_prediction(found: _File, model: PmmlModel, prediction: str | None) -> Finding:
    names = ", ".join(output.name for output in model.outputs)
    text = "none of its outputs is a prediction" if prediction is None else f"it has no output {prediction!r}"
    return _at_model(found, "a model predicts something", f"{text} (it has {names})", "name one with --prediction")


def _sampled(found: _File, model: PmmlModel, primary: int, given: Any, own: Sequence[Any]) -> tuple[Any, list[Finding]]:
    """A sample that is scored (the given one, one of the file's own, or a made one), and what is to be said of it."""
    reader = RequestReader(model.inputs).read
    failures, unanswered = [], []
    for sample in [given] if given is not None else [*own, *samples(model.inputs)]:
        try:
            (answer,) = model.score([reader(msgspec.json.encode(sample), JSON).row])
        except RecordError as error:
            failures.append((sample, str(error)))
        except Exception as error:  # noqa: BLE001 (Java throws whatever the model's own expressions throw)
            failures.append((sample, f"the engine fails: {' '.join(str(error).split())}"))
        else:
            if answer[primary] is not None:
                return sample, _silent(found, model, sample, answer)
            unanswered.append(sample)
    if unanswered:
        return _unanswered(found, unanswered[0], made=given is None)
    sample, text = failures[0]
    shown = msgspec.json.encode(sample).decode()
    advice = "correct the sample, or the model" if given is not None else "give an input that it can score: --sample"
    return None, [_at_model(found, _SCORES, f"for {shown} {text}", advice)]


def _strangers(found: _File, given: Any) -> Iterator[Finding]:
    """Keys of the sample that the model does not read: where all of its inputs may be missing, any sample is scored."""
    names = {field.name for field in found.inputs}
    strangers = sorted(given.keys() - names) if isinstance(given, dict) else []
    if strangers:
        text = f"{', '.join(map(repr, strangers))} is none of its inputs ({', '.join(sorted(names))})"
        yield _at_model(found, "a sample has the model's inputs", text, "correct the sample", Severity.WARNING)


def _unanswered(found: _File, sample: Any, *, made: bool) -> tuple[Any, list[Finding]]:
    """No prediction: a fault where somebody gave the sample, who knows what the model takes."""
    text = f"it gives no prediction for {msgspec.json.encode(sample).decode()}"
    if made:
        advice = "give an input that it can score: --sample"
        return None, [_at_model(found, _SCORES, text, advice, Severity.WARNING)]
    return sample, [_at_model(found, _SCORES, text, "correct the sample, or the model")]


def _silent(found: _File, model: PmmlModel, sample: Any, answer: Sequence[Scalar | None]) -> list[Finding]:
    names = [output.name for output, value in zip(model.outputs, answer, strict=True) if value is None]
    if not names:
        return []
    text = f"for {msgspec.json.encode(sample).decode()} it gives no {', '.join(names)}"
    advice = "see whether that is right; remove outputs that are never given"
    return [_at_model(found, "a model gives all its outputs", text, advice, Severity.WARNING)]


def _rows(found: _File) -> list[Verified]:
    try:
        return verified_rows(found.model, found.inputs)
    except OutlineError as error:
        found.findings.append(_told(error, "the rows to verify the model by have its types", _EXPORT))
        return []


def _verified(found: _File, model: PmmlModel, rows: Sequence[Verified]) -> Iterator[Finding]:
    """Score the file's own rows, and tell those whose answers are others.

    One that is no good request here becomes a dead letter, not a wrong score: that keeps no model out.
    """
    reader = RequestReader(model.inputs).read
    targets = (
        field.get("name") for field in found.model.child("MiningSchema").children("MiningField") if _target(field)
    )
    target = next(targets, None)
    told = 0
    for row in rows:
        severity, advice = Severity.ERROR, _NOT_HERE
        try:
            (answer,) = model.score([reader(msgspec.json.encode(row.input), JSON).row])
            wrong = "; ".join(compare(row, model, answer, target))
        except InputError as error:
            severity, advice, wrong = Severity.WARNING, "events like this one become dead letters", str(error)
        except Exception as error:  # noqa: BLE001 (as above)
            wrong = " ".join(str(error).split())
        if wrong and told < _MOST:
            told += 1
            yield Finding(
                line=row.element.line,
                column=row.element.column,
                element=row.element.name,
                rule="the model gives what its own ModelVerification says",
                found=wrong,
                advice=advice,
                severity=severity,
            )


def _target(field: Element) -> bool:
    return field.get("usageType") in ("target", "predicted")
