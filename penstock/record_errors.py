"""The errors of one record, which becomes a dead letter; `penstock.errors` draws the whole tree and has them all."""

from typing import ClassVar

from penstock.codes import ErrorCode
from penstock.quoting import shown
from penstock.root_error import PenstockError

__all__ = [
    "DeadlineError",
    "DecodeError",
    "EnvelopeError",
    "ExpressionError",
    "FetchError",
    "InputError",
    "InternalError",
    "ModelFailedError",
    "ModelLoadingError",
    "OversizeError",
    "PassingError",
    "RecordError",
    "ScoringError",
    "ServerUnavailableError",
    "ShadowError",
    "TransformError",
    "TypeMissingError",
    "UnknownModelError",
    "UnknownRouteError",
    "UnknownSourceError",
    "UnknownVersionError",
    "UnmatchedError",
]

_MOST_KNOWN = 20


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
    """The operator's fault: requests come for a model that the job does not have, or no longer."""

    code = ErrorCode.UNKNOWN_MODEL

    def __init__(self, model: str, known: tuple[str, ...], cause: str = "") -> None:
        """Tell which models there are, and what became of this one where that is known: "it was deleted"."""
        super().__init__(model, known, cause)
        self.model = model
        self.known = known
        self.cause = cause

    def __str__(self) -> str:
        known = ", ".join(self.known[:_MOST_KNOWN]) or "none"
        more = ", ..." if len(self.known) > _MOST_KNOWN else ""
        cause = f": {self.cause}" if self.cause else ""
        return f"model {self.model!r} is not registered{cause}; registered models: {known}{more}"


class PassingError(RecordError):
    """Nobody's fault but time's: the same may go well a moment later, with nothing changed.

    Requests that meet one are scored again, after a wait, before they become dead letters.
    """


class ModelLoadingError(PassingError):
    """Nobody's fault but time's: the model is not loaded yet, and its requests cannot hold up others for longer."""

    code = ErrorCode.MODEL_LOADING

    def __init__(self, model: str, loading_ms: int, wait_ms: int, setting: str = "models.wait_ms") -> None:
        super().__init__(model, loading_ms, wait_ms, setting)
        self.model = model
        self.loading_ms = loading_ms
        self.wait_ms = wait_ms
        self.setting = setting

    def __str__(self) -> str:
        return (
            f"model {self.model!r} is loading since {self.loading_ms / 1000:.1f} s, its requests wait for "
            f"{self.wait_ms} ms in all ({self.setting}); replay the record when it is ready"
        )


class ModelFailedError(RecordError):
    """The model's fault, or its store's: it is registered, but this worker cannot load it."""

    code = ErrorCode.MODEL_FAILED

    def __init__(self, model: str, detail: str) -> None:
        super().__init__(model, detail)
        self.model = model
        self.detail = detail

    def __str__(self) -> str:
        return f"model {self.model!r} cannot be used here: {self.detail}"


class ServerUnavailableError(PassingError):
    """The server's fault, or its network's: it does not answer, and its requests cannot be held back for longer.

    Or it answers that it does not have the model; ``setting`` says which of the two was waited for.
    """

    code = ErrorCode.SERVER_UNAVAILABLE
    OUTAGE = "service.patience_ms"
    ABSENCE = "models.reload_wait_ms"

    def __init__(self, model: str, server: str, detail: str, patience_ms: int, setting: str = OUTAGE) -> None:
        super().__init__(model, server, detail, patience_ms, setting)
        self.model = model
        self.server = server
        self.detail = detail
        self.patience_ms = patience_ms
        self.setting = setting

    def __str__(self) -> str:
        if self.setting == self.ABSENCE:
            what, awaited, back = "does not have it", "the model", "is there"
        else:
            what, awaited, back = "does not answer", "an outage", "is back"
        return (
            f"model {self.model!r}: its server {self.server!r} {what} ({self.detail}); {awaited} is waited "
            f"for {self.patience_ms} ms at most ({self.setting}); replay the record when it {back}"
        )


class InputError(RecordError):
    """The producer's or the route's fault: the model's input fields are missing or of the wrong type."""

    code = ErrorCode.INPUT


class FetchError(RecordError):
    """The producer's fault, or that of whoever keeps the input: it is at a URI, from which it cannot be had."""

    code = ErrorCode.FETCH

    def __init__(self, uri: str, detail: str) -> None:
        super().__init__(uri, detail)
        self.uri = uri
        self.detail = detail

    def __str__(self) -> str:
        return f"input {shown(self.uri)} cannot be fetched: {self.detail}"


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


class UnknownVersionError(RecordError):
    """A result was made by a version of the routing document that this worker does not know, and that did not come."""

    code = ErrorCode.UNKNOWN_VERSION

    def __init__(self, version: int, current: int) -> None:
        super().__init__(version, current)
        self.version = version
        self.current = current

    def __str__(self) -> str:
        return (
            f"the result was made by version {self.version} of the routing document, which is not known here; "
            f"version {self.current} is in force; 'penstock history' lists the others"
        )


class DeadlineError(RecordError):
    """Nobody's fault but time's: a score would come too late to be of use."""

    code = ErrorCode.DEADLINE

    def __init__(self, age_ms: int, deadline_ms: int) -> None:
        super().__init__(age_ms, deadline_ms)
        self.age_ms = age_ms
        self.deadline_ms = deadline_ms

    def __str__(self) -> str:
        return f"the event is {self.age_ms} ms old, its route allows {self.deadline_ms} ms (deadline_ms)"


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
