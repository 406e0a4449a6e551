"""Every error that Penstock raises, in one tree, and the codes that dead letters carry.

PenstockError
├── SettingsError               the settings are wrong: the operator's fault, nothing starts
├── RoutingDocumentError        the routing document is wrong: the last good one stays
├── NoRoutingDocumentError      the control topic holds no good routing document: workers wait for one
├── UnknownDocumentError        a command asks for a version of it that the control topic does not hold
├── CasebookError               the tests of a routing document are wrong: none of them is run
├── ControlTopicError           a control topic is not as followers need it
├── RecordError                 one record cannot be handled: it becomes a dead letter
│   ├── DecodeError             the bytes are not in the declared format
│   ├── TypeMissingError        the event does not say its type
│   ├── UnmatchedError          no route takes the event's type
│   ├── UnknownSourceError      the record's topic is no source of the routing document
│   ├── ExpressionError         a route's expression cannot be computed for the event
│   ├── TransformError          a transform cannot work on the record
│   ├── UnknownModelError       the model asked for is not there
│   ├── PassingError            the same may go well a moment later
│   │   ├── ModelLoadingError   the model asked for is not loaded yet
│   │   └── ServerUnavailableError  the model's server does not answer
│   ├── ModelFailedError        the model asked for cannot be loaded
│   ├── InputError              features are missing or wrong
│   ├── FetchError              the input is at a URI, from which it cannot be had
│   ├── ScoringError            the model failed on the record
│   ├── DeadlineError           a score would come too late to be of use
│   ├── OversizeError           the record would be larger than Kafka is set to take
│   ├── UnknownRouteError       a result's route is not in the routing document
│   ├── UnknownVersionError     a result was made by a version of the routing document that nobody knows
│   ├── ShadowError             a shadow result came where only users' results belong
│   ├── EnvelopeError           an internal record is not what its topic promises
│   └── InternalError           our own fault: a bug met this record
├── ModelError                  a model cannot be used
│   ├── ModelRefError           the text is no model ref (a ValueError too)
│   ├── ModelDescriptorError    its descriptor is wrong
│   ├── ModelChecksumError      its file is not the one that the descriptor names
│   ├── ModelLoadError          the engine cannot load its file
│   ├── ModelServerError        a model's server does not have it yet, does not say, or refuses us
│   ├── StoreError              the store of models' files does not give or take a file
│   ├── ImmutableModelError     a command gives a version that is registered other bytes
│   ├── ModelInUseError         a command deletes a model that somebody uses
│   ├── UnknownRefError         a command names a model that is not registered
│   └── LegacyError             a file of the predecessor's control messages is wrong
├── CallError                   a call to a model server failed: its rows get errors of their own
├── KafkaUnavailableError       no broker answers
├── FlinkUnavailableError       no Flink cluster answers
├── TopicError                  a topic cannot be made, or cannot take our records
├── UnknownTopicError           a command names a topic that is not there
├── EngineLostError             what scores is gone, whatever the rows: the program ends, nothing is refused for it
├── BridgeError                 the Spark job's records no longer pass between Spark and Kafka
├── PrerequisiteError           the machine lacks what the embedded stack needs
└── StackError                  a step of the embedded stack failed

Classes take facts by position and hand all of them to ``super().__init__``; the text is made in ``__str__``. This shape
survives pickling, which matters because an error crosses from a worker process to Flink.
"""

from penstock.codes import ErrorCode
from penstock.model_errors import (
    ImmutableModelError,
    LegacyError,
    ModelChecksumError,
    ModelDescriptorError,
    ModelError,
    ModelInUseError,
    ModelLoadError,
    ModelRefError,
    ModelServerError,
    StoreError,
    UnknownRefError,
)
from penstock.quoting import shown
from penstock.record_errors import (
    DeadlineError,
    DecodeError,
    EnvelopeError,
    ExpressionError,
    FetchError,
    InputError,
    InternalError,
    ModelFailedError,
    ModelLoadingError,
    OversizeError,
    PassingError,
    RecordError,
    ScoringError,
    ServerUnavailableError,
    ShadowError,
    TransformError,
    TypeMissingError,
    UnknownModelError,
    UnknownRouteError,
    UnknownSourceError,
    UnknownVersionError,
    UnmatchedError,
)
from penstock.remote.calls import CallError
from penstock.root_error import PenstockError

__all__ = [
    "BridgeError",
    "CallError",
    "CasebookError",
    "ControlTopicError",
    "DeadlineError",
    "DecodeError",
    "EngineLostError",
    "EnvelopeError",
    "ErrorCode",
    "ExpressionError",
    "FetchError",
    "FlinkUnavailableError",
    "ImmutableModelError",
    "InputError",
    "InternalError",
    "KafkaUnavailableError",
    "LegacyError",
    "ModelChecksumError",
    "ModelDescriptorError",
    "ModelError",
    "ModelFailedError",
    "ModelInUseError",
    "ModelLoadError",
    "ModelLoadingError",
    "ModelRefError",
    "ModelServerError",
    "NoRoutingDocumentError",
    "OversizeError",
    "PassingError",
    "PenstockError",
    "PrerequisiteError",
    "RecordError",
    "RoutingDocumentError",
    "ScoringError",
    "ServerUnavailableError",
    "SettingsError",
    "ShadowError",
    "StackError",
    "StoreError",
    "TopicError",
    "TransformError",
    "TypeMissingError",
    "UnknownDocumentError",
    "UnknownModelError",
    "UnknownRefError",
    "UnknownRouteError",
    "UnknownSourceError",
    "UnknownTopicError",
    "UnknownVersionError",
    "UnmatchedError",
    "shown",
]


_MOST_VERSIONS = 10


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


class NoRoutingDocumentError(PenstockError):
    """The control topic holds no good routing document: whoever needs one fails, and tries again."""

    def __init__(self, topic: str, reasons: tuple[str, ...]) -> None:
        super().__init__(topic, reasons)
        self.topic = topic
        self.reasons = reasons

    def __str__(self) -> str:
        newest = f"; its newest message is none: {'; '.join(self.reasons)}" if self.reasons else ""
        return (
            f"the topic {self.topic!r} holds no good routing document{newest}; "
            "'penstock up' publishes config/routing.yaml there, 'penstock apply' any other"
        )


class UnknownDocumentError(PenstockError):
    """The caller's fault: a command asks for a version of the routing document that was never in force, or is gone."""

    def __init__(self, version: int, known: tuple[int, ...]) -> None:
        super().__init__(version, known)
        self.version = version
        self.known = known

    def __str__(self) -> str:
        newest = ", ".join(map(str, sorted(self.known, reverse=True)[:_MOST_VERSIONS])) or "none"
        more = ", ..." if len(self.known) > _MOST_VERSIONS else ""
        return (
            f"version {self.version} of the routing document is not among those that were in force and are still kept: "
            f"{newest}{more}; 'penstock history' lists them"
        )


class CasebookError(PenstockError):
    """The tests of a routing document are wrong; their author corrects them."""

    def __init__(self, path: str, faults: tuple[str, ...]) -> None:
        super().__init__(path, faults)
        self.path = path
        self.faults = faults

    def __str__(self) -> str:
        return _listed(f"the tests {self.path!r} have", self.faults)


class ControlTopicError(PenstockError):
    """The operator's fault: a control topic is missing or made in another way than followers need it."""

    def __init__(self, topic: str, detail: str) -> None:
        super().__init__(topic, detail)
        self.topic = topic
        self.detail = detail

    def __str__(self) -> str:
        return f"the control topic {self.topic!r} cannot be used: {self.detail}"


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


class EngineLostError(PenstockError):
    """What scores is gone for good rows and bad ones alike: the program ends, and what it had taken comes again."""

    def __init__(self, model: str, detail: str) -> None:
        super().__init__(model, detail)
        self.model = model
        self.detail = detail

    def __str__(self) -> str:
        return f"model {self.model!r} cannot be scored, its engine is gone: {self.detail}"


class BridgeError(PenstockError):
    """Records no longer pass from Spark to Kafka: the program ends, and begins again behind what is done."""

    def __init__(self, bridge: str, detail: str) -> None:
        super().__init__(bridge, detail)
        self.bridge = bridge
        self.detail = detail

    def __str__(self) -> str:
        return f"the way of {self.bridge} through Spark is broken: {self.detail}"


class PrerequisiteError(PenstockError):
    """The machine lacks what the embedded stack needs; ``faults`` names every lack, nothing was started."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return _listed("this machine has", self.faults)


class StackError(PenstockError):
    """A step of starting or stopping the embedded stack failed; what was started before it keeps running."""

    def __init__(self, step: str, log_tail: str, advice: str, errors: tuple[str, ...] = ()) -> None:
        super().__init__(step, log_tail, advice, errors)
        self.step = step
        self.log_tail = log_tail
        self.advice = advice
        self.errors = errors

    def __str__(self) -> str:
        told = "\n".join(("\nerrors in its log:", *self.errors)) if self.errors else ""
        tail = f"\nlast lines of its log:\n{self.log_tail}" if self.log_tail else ""
        return f"step {self.step!r} failed; {self.advice}{told}{tail}"


def _listed(opening: str, faults: tuple[str, ...]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"{opening} {count}:\n" + "\n".join(f"- {fault}" for fault in faults)
