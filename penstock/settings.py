"""Settings: every number, path, host and port that Penstock uses, read once at an entry point.

Later wins: defaults, the settings file (``config/penstock.yaml``), ``PENSTOCK_*`` environment variables (``__`` between
levels: ``PENSTOCK_FLINK__REST_PORT``), flags. Relative paths are taken from ``project_dir``.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

import yaml
from pydantic import BaseModel, Field, Secret, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from penstock.clusters import ClusterSettings
from penstock.engine_sections import ModelServerSettings, ServerSettings, ServiceSettings, SparkSettings
from penstock.errors import SettingsError
from penstock.sections import (
    ControlSettings,
    DeliveryGuarantee,
    FlinkSettings,
    KafkaSettings,
    LimitSettings,
    LocalSettings,
    LogSettings,
    ModelsSettings,
    PmmlSettings,
    TopicSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

__all__ = [
    "DEFAULT_FILE",
    "ClusterSettings",
    "ControlSettings",
    "DeliveryGuarantee",
    "FlinkSettings",
    "KafkaSettings",
    "LimitSettings",
    "LocalSettings",
    "LogSettings",
    "ModelServerSettings",
    "ModelsSettings",
    "PmmlSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "SparkSettings",
    "TopicSettings",
    "differences",
    "from_flags",
    "keys",
    "load",
    "plain",
    "read",
    "write",
]

DEFAULT_FILE = Path("config/penstock.yaml")
_PREFIX = "PENSTOCK_"
#: Names the settings file itself, as the flag ``--settings`` does.
_FILE_VARIABLE = "PENSTOCK_SETTINGS"
#: Variables with our prefix that are no settings: that one, and the mark that an embedded stack's processes carry.
_NOT_SETTINGS = frozenset({_FILE_VARIABLE, "PENSTOCK_STACK_ID"})

#: Keys whose values are never shown; properties of clients may be anything.
_SECRET = re.compile(r"password|\.more_(java|python)\b|^models\.options\b|\.metadata\b")

_Tree = dict[str, Any]
_SectionT = TypeVar("_SectionT", bound=BaseModel)


class Settings(BaseSettings):
    """All settings. `Settings()` is the defaults alone; entry points call `load`."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        case_sensitive=False,
    )

    project_dir: Path = Path()
    """Folder that relative paths are taken from, and whose sources are built into the jobs' wheel.
    Unset: the nearest folder at or above the current one that has `config/penstock.yaml`."""
    routing_file: Path = Path("config/routing.yaml")
    """The routing document that `penstock up` publishes where there is none yet."""
    models_dir: Path = Path("models")
    """Folder of model descriptors and the files they name: what `penstock up` registers where it is not yet."""
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    control: ControlSettings = Field(default_factory=ControlSettings)
    flink: FlinkSettings = Field(default_factory=FlinkSettings)
    models: ModelsSettings = Field(default_factory=ModelsSettings)
    pmml: PmmlSettings = Field(default_factory=PmmlSettings)
    spark: SparkSettings = Field(default_factory=SparkSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    model_server: ModelServerSettings = Field(default_factory=ModelServerSettings)
    local: LocalSettings = Field(default_factory=LocalSettings)
    logs: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: the environment is `load`'s business."""
        return (init_settings,)

    @model_validator(mode="after")
    def _settle(self) -> Settings:
        """Make every path absolute, and say where the embedded broker and model server are for who names no other."""
        _refuse_longer_patience(self.service.patience_ms, self.flink.checkpoint_timeout_ms)
        root = self.project_dir.absolute()
        local = _rooted(self.local, root)
        kafka = _addressed(_rooted(self.kafka, root), f"{local.host}:{local.kafka_port}")
        settled = {
            "project_dir": root,
            "routing_file": root / self.routing_file,
            "models_dir": root / self.models_dir,
            "models": _placed(self.models, root, local.state_dir),
            "local": local,
            "kafka": kafka,
            "flink": _rooted(self.flink, root),
            "service": _served(_rooted(self.service, root), f"{local.host}:{local.model_server_port}"),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)  # frozen for everyone else; this is still construction
        return self


class _Environment(EnvSettingsSource):
    """The variables, with our error where one that stands for many values holds no JSON."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read JSON."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError as error:
            # Its text is not shown, nor is it kept as a cause: it may hold secrets.
            at = (name for name, text in sorted(os.environ.items()) if name.startswith(_PREFIX) and text == value)
            fault = f"the environment variable {next(at, field_name)!r}: expected JSON, got what is none"
            raise SettingsError((f"{fault} ({error.msg}, character {error.pos + 1}); correct or quote it",)) from None


def load(path: Path | None = None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the settings, last word to ``overrides``: flags by dotted key, where None means that a flag was not given.

    Raises:
        SettingsError: a file that is not there or not YAML, an unknown key, or a value of the wrong kind.
    """
    given = path or (Path(os.environ[_FILE_VARIABLE]) if os.environ.get(_FILE_VARIABLE) else None)
    root = _project_dir()
    file = (given or root / DEFAULT_FILE).absolute()
    layers: dict[str, _Tree] = {
        "a flag": _tree(overrides or {}),
        "the environment": _Environment(Settings)(),
        f"{file}": _read(file) if given or file.exists() else {},
    }
    _refuse_unknown_variables()
    merged: _Tree = {"project_dir": root}
    for layer in reversed(layers.values()):
        merged = _merged(merged, layer)
    try:
        return Settings(**merged)
    except ValidationError as error:
        faults = tuple(_fault(detail, layers) for detail in error.errors())
        raise SettingsError(faults) from error


def from_flags(flags: Mapping[str, object]) -> Settings:
    """Return the settings of flags alone, by dotted key: neither file nor environment have a say."""
    return Settings(**_merged({"project_dir": _project_dir()}, _tree(flags)))


def write(settings: Settings, path: Path) -> None:
    """Write the settings in force to a file that ``load`` reads back; only its owner may read it (passwords)."""
    text = yaml.safe_dump(plain(settings), sort_keys=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def read(path: Path) -> Settings:
    """Read what ``write`` wrote; neither environment nor flags have a say.

    Raises:
        SettingsError: the file cannot be read, or is of a release with other settings.
    """
    tree = _read(path)
    try:
        return Settings(**tree)
    except ValidationError as error:
        raise SettingsError(tuple(_fault(detail, {f"{path}": tree}) for detail in error.errors())) from error


def differences(old: Settings, new: Settings) -> list[str]:
    """Say which settings differ, and how: ``flink.rest_port: 8081, now 8082``; secrets are not shown."""
    changed = []
    for key in keys():
        before, after = (_value(settings, key) for settings in (old, new))
        if before != after:
            changed.append(f"{key}: {before}, now {after}")
    return changed


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting: ``flink.rest_port``."""
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is None:
            yield prefix + name
        else:
            yield from keys(section, f"{prefix}{name}.")


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part, None)  # the internal cluster may be unset
    return value


def _section(annotation: object) -> type[BaseModel] | None:
    if get_origin(annotation) is dict:  # as many as the user likes, each with a name: one value
        return None
    options = getattr(annotation, "__args__", (annotation,))
    return next((kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _project_dir() -> Path:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / DEFAULT_FILE).is_file()), here)


def _read(file: Path) -> _Tree:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError((f"the settings file {str(file)!r} cannot be read: {error.strerror}",)) from error
    except yaml.YAMLError as error:
        raise SettingsError(
            (f"the settings file {str(file)!r} is not YAML: {' '.join(str(error).split())}",)
        ) from error
    if not isinstance(tree, dict | None):
        raise SettingsError(
            (f"the settings file {str(file)!r} holds a {type(tree).__name__}, expected sections with keys",)
        )
    return tree or {}


def _tree(flags: Mapping[str, object]) -> _Tree:
    tree: _Tree = {}
    for key, value in flags.items():
        if value is not None:
            *sections, name = key.split(".")
            level = tree
            for section in sections:
                level = level.setdefault(section, {})
            level[name] = value
    return tree


def _merged(below: _Tree, above: _Tree) -> _Tree:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _refuse_unknown_variables() -> None:
    """An unknown section is not seen by the environment's reader; inside a section it is, and validation refuses it."""
    for name in os.environ:
        section = name.removeprefix(_PREFIX).split("__")[0].lower()
        if name.startswith(_PREFIX) and name not in _NOT_SETTINGS and section not in Settings.model_fields:
            key = name.removeprefix(_PREFIX).lower().replace("__", ".")
            raise SettingsError((f"the environment variable {name!r} names no setting{_nearest(key)}",))


def _fault(detail: ErrorDetails, layers: Mapping[str, _Tree]) -> str:
    of_name = detail["loc"][-1:] == ("[key]",)  # not the value is wrong, but what the user calls it
    loc = detail["loc"][:-1] if of_name else detail["loc"]
    key = ".".join(str(part) for part in loc)
    place = loc[:-1] if detail["type"] == "missing" else loc
    origin = next((name for name, tree in layers.items() if _holds(tree, place)), "the defaults")
    if detail["type"] == "extra_forbidden":
        return f"{key!r} (from {origin}) is no setting{_nearest(key)}"
    reason = "expected a list" if detail["type"] == "tuple_type" else detail["msg"].removeprefix("Value error, ")
    if not key:
        return reason
    if isinstance(detail["input"], dict | BaseModel):
        return f"{key!r} (from {origin}): {reason}"
    shown = "a secret" if _SECRET.search(key) and not of_name else repr(detail["input"])
    return f"{key!r} (from {origin}): {reason[:1].lower()}{reason[1:]}, got {shown}"


def _holds(tree: object, loc: tuple[int | str, ...]) -> bool:
    for part in loc:
        at = dict(enumerate(tree)) if isinstance(tree, list) else tree
        if not isinstance(at, dict) or part not in at:
            return False
        tree = at[part]
    return True


def _nearest(key: str) -> str:
    """Suggest the key that was probably meant: a near spelling, or else the same name in another section."""
    known = list(keys())
    near = difflib.get_close_matches(key, known, n=1)
    near += [candidate for candidate in known if candidate.rpartition(".")[2] == key.rpartition(".")[2]]
    return f"; did you mean {near[0]!r}?" if near else f"; the sections are {', '.join(Settings.model_fields)}"


def _rooted(section: _SectionT, root: Path) -> _SectionT:
    changes: _Tree = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            changes[name] = root / value
        elif isinstance(value, BaseModel):
            changes[name] = _rooted(value, root)
        elif isinstance(value, dict):
            changes[name] = {
                key: _rooted(each, root) if isinstance(each, BaseModel) else each for key, each in value.items()
            }
    return section.model_copy(update=changes)


def _placed(models: ModelsSettings, root: Path, state_dir: Path) -> ModelsSettings:
    """Say where the store and the cache are; only a URI means the same from everywhere."""
    store = models.store or str(state_dir / "data" / "models")
    cache = state_dir / "cache" / "models" if models.cache_dir is None else root / models.cache_dir
    return models.model_copy(update={"store": store if "://" in store else str(root / store), "cache_dir": cache})


def _addressed(kafka: KafkaSettings, embedded: str) -> KafkaSettings:
    clusters = {"external": kafka.external, "internal": kafka.internal}
    without = {name: cluster for name, cluster in clusters.items() if cluster and not cluster.bootstrap_servers}
    changes: _Tree = {
        name: cluster.model_copy(update={"bootstrap_servers": embedded}) for name, cluster in without.items()
    }
    if kafka.embedded is None:
        changes["embedded"] = bool(without)
    return kafka.model_copy(update=changes)


def _served(service: ServiceSettings, embedded: str) -> ServiceSettings:
    changes: _Tree = {} if service.servers else {"servers": {"default": ServerSettings(endpoints=(embedded,))}}
    if service.embedded is None:
        changes["embedded"] = not service.servers
    return service.model_copy(update=changes)


def _refuse_longer_patience(patience_ms: int, checkpoint_timeout_ms: int) -> None:
    if patience_ms >= checkpoint_timeout_ms:
        raise ValueError(
            f"service.patience_ms must be less than flink.checkpoint_timeout_ms ({checkpoint_timeout_ms}), got "
            f"{patience_ms}: a job makes no checkpoint while it waits for a server; lower the one or raise the other"
        )


def plain(value: object) -> Any:
    """Return settings, or a part of them, as plain data that makes the same settings again; secrets show."""
    match value:
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case SecretStr() | Secret():
            return value.get_secret_value()
        case Path():
            return str(value)
        case str():
            return str(value)  # an enum member as its text
        case _:
            return value
