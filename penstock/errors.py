"""Every error that Penstock raises, in one tree, and the codes that dead letters carry.

PenstockError
├── SettingsError               the settings are wrong: the operator's fault, nothing starts
├── RoutingDocumentError        the routing document is wrong: the last good one stays
├── RecordError                 one record cannot be handled: it becomes a dead letter
│   ├── DecodeError             the bytes are not in the declared format
│   ├── TypeMissingError        the event does not say its type
│   ├── UnmatchedError          no route takes the event's type
│   ├── UnknownSourceError      the record's topic is no source of the routing document
│   ├── ExpressionError         a route's expression cannot be computed for the event
│   ├── TransformError          a transform cannot work on the record
│   ├── UnknownModelError       the model asked for is not there
│   ├── InputError              features are missing or wrong
│   ├── ScoringError            the model failed on the record
│   ├── OversizeError           the record would be larger than Kafka is set to take
│   ├── UnknownRouteError       a result's route is not in the routing document
│   ├── ShadowError             a shadow result came where only users' results belong
│   ├── EnvelopeError           an internal record is not what its topic promises
│   └── InternalError           our own fault: a bug met this record
├── ModelError                  a model cannot be used
│   ├── ModelRefError           the text is no model ref (a ValueError too)
│   ├── ModelDescriptorError    its descriptor is wrong
│   ├── ModelChecksumError      its file is not the one that the descriptor names
│   └── ModelLoadError          the engine cannot load its file
├── KafkaUnavailableError       no broker answers
├── FlinkUnavailableError       no Flink cluster answers
├── TopicError                  a topic cannot be made, or cannot take our records
├── UnknownTopicError           a command names a topic that is not there
├── PrerequisiteError           the machine lacks what the embedded stack needs
└── StackError                  a step of the embedded stack failed

Classes take facts by position and hand all of them to ``super().__init__``; the text is made in ``__str__``. This shape
survives pickling, which matters because an error crosses from a worker process to Flink.
"""

from typing import ClassVar

from penstock.codes import ErrorCode
from penstock.quoting import shown

__all__ = [
    "DecodeError",
    "EnvelopeError",
    "ErrorCode",
    "ExpressionError",
    "FlinkUnavailableError",
    "InputError",
    "InternalError",
    "KafkaUnavailableError",
    "ModelChecksumError",
    "ModelDescriptorError",
    "ModelError",
    "ModelLoadError",
    "ModelRefError",
    "OversizeError",
    "PenstockError",
    "PrerequisiteError",
    "RecordError",
    "RoutingDocumentError",
    "ScoringError",
    "SettingsError",
    "ShadowError",
    "StackError",
    "TopicError",
    "TransformError",
    "TypeMissingError",
    "UnknownModelError",
    "UnknownRouteError",
    "UnknownSourceError",
    "UnknownTopicError",
    "UnmatchedError",
    "shown",
]


class PenstockError(Exception):
    """Root of the tree: catch it to catch everything that Penstock raises on purpose."""


class SettingsError(PenstockError):
    """The settings are wrong; the operator corrects them, nothing was started."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return _listed("the settings have", self.faults)


class RoutingDocumentError(PenstockError):
    """The routing document is wrong, in every way that ``faults`` says; whatever document was in force stays."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return _listed("the routing document has", self.faults)


class RecordError(PenstockError):
    """One record cannot be handled; it becomes a dead letter with this code and reason, its batch goes on."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    @property
    def reason(self) -> str:
        """The text of the dead letter's ``penstock-error-reason``."""
        return str(self)


class DecodeError(RecordError):
    """The producer's fault: the bytes are not in the format that the source declares."""

    code = ErrorCode.DECODE


class TypeMissingError(RecordError):
    """The producer's fault: the event does not say its type where the source says to look."""

    code = ErrorCode.TYPE_MISSING


class UnmatchedError(RecordError):
    """Nobody's fault yet: the event is good, but no route takes its type."""

    code = ErrorCode.UNMATCHED

    def __init__(self, event_type: str, config_version: int) -> None:
        super().__init__(event_type, config_version)
        self.event_type = event_type
        self.config_version = config_version

    def __str__(self) -> str:
        found = f"no route of version {self.config_version} takes type {shown(self.event_type)}"
        return f"{found}; add it to a route's match"


class UnknownSourceError(RecordError):
    """The operator's fault: the adapter reads a topic that the routing document does not have among its sources."""

    code = ErrorCode.UNKNOWN_SOURCE

    def __init__(self, topic: str, config_version: int) -> None:
        super().__init__(topic, config_version)
        self.topic = topic
        self.config_version = config_version

    def __str__(self) -> str:
        return f"topic {self.topic!r} is no source of version {self.config_version} of the routing document"


class ExpressionError(RecordError):
    """The producer's or the route's fault: a route's ``when`` cannot be computed for the event, and it asks to know."""

    code = ErrorCode.EXPRESSION


class TransformError(RecordError):
    """The event or result does not fit its route's transform: producer and route disagree."""

    code = ErrorCode.TRANSFORM

    def __init__(self, transform: str, detail: str) -> None:
        super().__init__(transform, detail)
        self.transform = transform
        self.detail = detail

    def __str__(self) -> str:
        return f"transform {self.transform!r}: {self.detail}"


class UnknownModelError(RecordError):
    """The operator's fault: requests come for a model that the job does not have."""

    code = ErrorCode.UNKNOWN_MODEL

    def __init__(self, model: str, known: tuple[str, ...]) -> None:
        super().__init__(model, known)
        self.model = model
        self.known = known

    def __str__(self) -> str:
        known = ", ".join(self.known) or "none"
        return f"model {self.model!r} is not loaded; loaded models: {known}"


class InputError(RecordError):
    """The producer's or the route's fault: the model's input fields are missing or of the wrong type."""

    code = ErrorCode.INPUT


class ScoringError(RecordError):
    """The model's fault: it failed on input that fits its description."""

    code = ErrorCode.SCORING

    def __init__(self, model: str, detail: str) -> None:
        super().__init__(model, detail)
        self.model = model
        self.detail = detail

    def __str__(self) -> str:
        return f"model {self.model!r} failed: {self.detail}"


class OversizeError(RecordError):
    """The record that would be written is larger than ``limits.max_request_bytes``."""

    code = ErrorCode.OVERSIZE

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"the record would have {self.size} bytes, at most {self.limit} are allowed (limits.max_request_bytes)"


class UnknownRouteError(RecordError):
    """A result names a route that the document no longer has: it was removed while the event was on its way."""

    code = ErrorCode.UNKNOWN_ROUTE

    def __init__(self, route: str, config_version: int) -> None:
        super().__init__(route, config_version)
        self.route = route
        self.config_version = config_version

    def __str__(self) -> str:
        return f"version {self.config_version} of the routing document has no route {shown(self.route)}"


class ShadowError(RecordError):
    """Our own fault, caught late: a shadow's result was about to reach a user's topic."""

    code = ErrorCode.SHADOW

    def __str__(self) -> str:
        return "a shadow result must not reach a user's topic; shadow results have a topic of their own"


class EnvelopeError(RecordError):
    """A record on one of Penstock's own topics is not what that topic promises: somebody else wrote it."""

    code = ErrorCode.ENVELOPE


class InternalError(RecordError):
    """Our own fault: an exception that nobody foresaw; the record is kept, to be replayed after the repair."""

    code = ErrorCode.INTERNAL

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"unexpected {self.kind}: {self.detail}"


class ModelError(PenstockError):
    """A model cannot be used; whatever version was live stays."""


class ModelRefError(ModelError, ValueError):
    """The text is no model ref; whoever wrote it corrects it. A `ValueError` too, so that pydantic tells its place."""

    def __init__(self, text: str, detail: str) -> None:
        super().__init__(text, detail)
        self.text = text
        self.detail = detail

    def __str__(self) -> str:
        return f"{shown(self.text)} is no model ref: {self.detail}"


class ModelDescriptorError(ModelError):
    """The descriptor at ``path`` is wrong; its author corrects it."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"model descriptor {self.path!r}: {self.detail}"


class ModelChecksumError(ModelError):
    """The model's file changed after its descriptor was written, or did not arrive whole."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(path, expected, found)
        self.path = path
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        facts = f"expected sha256 {self.expected}, got {self.found}"
        return f"model file {self.path!r}: {facts}; was the file changed after its descriptor was written?"


class ModelLoadError(ModelError):
    """The engine refuses the model's file."""

    def __init__(self, model: str, detail: str) -> None:
        super().__init__(model, detail)
        self.model = model
        self.detail = detail

    def __str__(self) -> str:
        return f"model {self.model!r} cannot be loaded: {self.detail}"


class KafkaUnavailableError(PenstockError):
    """No broker answers at the address; nothing was read or written."""

    def __init__(self, bootstrap: str, cause: str) -> None:
        super().__init__(bootstrap, cause)
        self.bootstrap = bootstrap
        self.cause = cause

    def __str__(self) -> str:
        return f"no Kafka broker answers at {self.bootstrap!r} ({self.cause}); is it running, and is the address right?"


class FlinkUnavailableError(PenstockError):
    """No Flink cluster answers at the address; jobs that it was given go on as they are."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(url, cause)
        self.url = url
        self.cause = cause

    def __str__(self) -> str:
        return f"no Flink cluster answers at {self.url!r} ({self.cause}); is it running, and is the address right?"


class TopicError(PenstockError):
    """Topics cannot be made, or cannot take what would be written to them; no job is submitted."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return _listed("the topics have", self.faults)


class UnknownTopicError(PenstockError):
    """The caller's fault: a command names a topic that the cluster does not have; nothing is made by the way."""

    def __init__(self, topic: str, bootstrap: str, near: tuple[str, ...]) -> None:
        super().__init__(topic, bootstrap, near)
        self.topic = topic
        self.bootstrap = bootstrap
        self.near = near

    def __str__(self) -> str:
        near = " or ".join(map(repr, self.near))
        advice = f"did you mean {near}?" if near else "'penstock topics --all' lists them"
        return f"topic {self.topic!r} does not exist at {self.bootstrap!r}; {advice}"


class PrerequisiteError(PenstockError):
    """The machine lacks what the embedded stack needs; ``faults`` names every lack, nothing was started."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return _listed("this machine has", self.faults)


class StackError(PenstockError):
    """A step of starting or stopping the embedded stack failed; what was started before it keeps running."""

    def __init__(self, step: str, log_tail: str, advice: str) -> None:
        super().__init__(step, log_tail, advice)
        self.step = step
        self.log_tail = log_tail
        self.advice = advice

    def __str__(self) -> str:
        tail = f"\nlast lines of its log:\n{self.log_tail}" if self.log_tail else ""
        return f"step {self.step!r} failed; {self.advice}{tail}"


def _listed(opening: str, faults: tuple[str, ...]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"{opening} {count}:\n" + "\n".join(f"- {fault}" for fault in faults)
