"""The codes of dead letters: why a record could not be handled."""

from enum import StrEnum

__all__ = ["ErrorCode"]


class ErrorCode(StrEnum):
    """The closed set of values of ``penstock-error-code``; `penstock.errors` has a class for each."""

    DECODE = "DECODE"
    """The bytes are not in the declared format."""
    TYPE_MISSING = "TYPE_MISSING"
    """The event does not say its type."""
    UNMATCHED = "UNMATCHED"
    """No route takes the event's type."""
    UNKNOWN_SOURCE = "UNKNOWN_SOURCE"
    """The event's topic is no source of the routing document."""
    EXPRESSION = "EXPRESSION"
    """A route's expression cannot be computed for the event."""
    TRANSFORM = "TRANSFORM"
    """A transform cannot work on the event or result."""
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    """The job does not have the model."""
    INPUT = "INPUT"
    """The model's input fields are missing or wrong."""
    SCORING = "SCORING"
    """The model failed on good input."""
    DEADLINE = "DEADLINE"
    """The event is older than its route's ``deadline_ms`` allows: nobody can use its score any more."""
    OVERSIZE = "OVERSIZE"
    """The record would be larger than allowed."""
    UNKNOWN_ROUTE = "UNKNOWN_ROUTE"
    """The result's route is not in the routing document."""
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    """The result was made by a version of the routing document that nobody here knows."""
    SHADOW = "SHADOW"
    """A shadow's result came where only users' results belong."""
    ENVELOPE = "ENVELOPE"
    """An internal record is not what its topic promises."""
    INTERNAL = "INTERNAL"
    """A bug of Penstock's met the record."""
