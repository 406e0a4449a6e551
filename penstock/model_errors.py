"""The errors of models and of where their files are; `penstock.errors` draws the whole tree and has them all."""

from penstock.quoting import shown
from penstock.root_error import PenstockError

__all__ = [
    "ImmutableModelError",
    "LegacyError",
    "ModelChecksumError",
    "ModelDescriptorError",
    "ModelError",
    "ModelInUseError",
    "ModelLoadError",
    "ModelRefError",
    "ModelServerError",
    "StoreError",
    "UnknownRefError",
]

_MOST_KNOWN = 20


class ModelError(PenstockError):
    """A model cannot be used; whatever version was live stays."""

    passing: bool = False
    """Whether the same may go well a moment later, with nothing changed: a store was away, not the file wrong."""
    mendable: bool = False
    """Whether the same may go well when somebody has changed something, and nobody tells us of it: a right, say."""


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


class ModelServerError(ModelError):
    """The model's server does not have it yet, or does not say; ``passing`` says whether it may in a moment.

    If not, it refuses us: it will again, until its owner or ours has changed something.
    """

    mendable = True

    def __init__(self, model: str, server: str, detail: str, passing: bool = True) -> None:  # noqa: FBT001, FBT002 pickled by place
        super().__init__(model, server, detail, passing)
        self.model = model
        self.server = server
        self.detail = detail
        self.passing = passing

    def __str__(self) -> str:
        return f"model {self.model!r} cannot be had from its server {self.server!r}: {self.detail}"


class StoreError(ModelError):
    """The store of models' files does not give or take one; ``passing`` says whether it may in a moment."""

    def __init__(self, uri: str, detail: str, passing: bool = False) -> None:  # noqa: FBT001, FBT002 pickled by place
        super().__init__(uri, detail, passing)
        self.uri = uri
        self.detail = detail
        self.passing = passing

    def __str__(self) -> str:
        return f"model file {self.uri!r}: {self.detail}"


class ImmutableModelError(ModelError):
    """The caller's fault: a version that is registered was given again, with other content; the first one stays."""

    def __init__(self, ref: str, registered: str, offered: str) -> None:
        super().__init__(ref, registered, offered)
        self.ref = ref
        self.registered = registered
        self.offered = offered

    def __str__(self) -> str:
        return (
            f"model {self.ref!r} is registered with {self.registered}, got {self.offered}; "
            "versions are immutable: raise the version"
        )


class ModelInUseError(ModelError):
    """The caller's fault: a model that somebody uses was to be deleted; it stays."""

    def __init__(self, ref: str, users: tuple[str, ...]) -> None:
        super().__init__(ref, users)
        self.ref = ref
        self.users = users

    def __str__(self) -> str:
        return (
            f"model {self.ref!r} is in use: {_some(self.users)}; change these first, "
            "or delete it with --force: requests that name it then become dead letters, and a bare name means another"
        )


class UnknownRefError(ModelError):
    """The caller's fault: a command names a model, or a version of one, that is not registered."""

    def __init__(self, ref: str, known: tuple[str, ...]) -> None:
        super().__init__(ref, known)
        self.ref = ref
        self.known = known

    def __str__(self) -> str:
        known = _some(self.known) or "none"
        return f"model {self.ref!r} is not registered; registered: {known}; 'penstock models list' lists them"


class LegacyError(ModelError):
    """A file of the predecessor's control messages is wrong at ``line``; none of its messages was carried out."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(line, detail)
        self.line = line
        self.detail = detail

    def __str__(self) -> str:
        return f"line {self.line}: {self.detail}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST_KNOWN]) + (", ..." if len(names) > _MOST_KNOWN else "")
