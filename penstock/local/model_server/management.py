"""ModelService: how versions are, and which models are to be served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.local.model_server.prediction import require_spec
from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.repository import All, Latest, ModelConfig, Specific
from penstock.remote.messages import message

if TYPE_CHECKING:
    from penstock.local.model_server.keeper import Keeper
    from penstock.local.model_server.repository import Policy, Repository, Version

__all__ = ["Management"]

_PLATFORM = "tensorflow"
#: The same in the older field.
_TENSORFLOW = 1


class Management:
    """The service's methods; each takes a request and returns a response, or raises `Refusal`."""

    def __init__(self, repository: Repository, keeper: Keeper) -> None:
        self._repository = repository
        self._keeper = keeper

    async def get_model_status(self, request: Any) -> Any:
        """Tell how far the versions of a model are, or one of them."""
        spec = require_spec(request)
        states = self._repository.states(spec.name)
        if spec.version_label:
            states = {each.number: each for each in (self._repository.version(spec.name, None, spec.version_label),)}
        elif spec.HasField("version"):
            number = spec.version.value
            if number not in states:
                raise Refusal(Code.NOT_FOUND, f"Could not find version {number} of model {spec.name}")
            states = {number: states[number]}
        if not states:
            raise Refusal(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        response = message("tensorflow.serving.GetModelStatusResponse")()
        for version in states.values():
            _tell(response.model_version_status.add(), version)
        return response

    async def handle_reload_config_request(self, request: Any) -> Any:
        """Serve the models that are listed, and no others."""
        if request.config.WhichOneof("config") != "model_config_list":
            found = "ServerModelConfig type not supported by HandleReloadConfigRequest."
            raise Refusal(Code.INVALID_ARGUMENT, f"{found} Only ModelConfigList is currently supported")
        configs: dict[str, ModelConfig] = {}
        for each in request.config.model_config_list.config:
            if each.name in configs:
                raise Refusal(Code.INVALID_ARGUMENT, f"Illegal to list model {each.name} multiple times in config list")
            configs[each.name] = _config(each)
        await self._keeper.configure(configs)
        for name, config in configs.items():
            for label, number in config.labels.items():
                self._require_available(name, label, number)
        return message("tensorflow.serving.ReloadConfigResponse")()

    def _require_available(self, name: str, label: str, number: int) -> None:
        try:
            self._repository.version(name, number)
        except Refusal as refusal:
            found = f"version {number} of model {name}, which is not currently available for inference"
            raise Refusal(Code.FAILED_PRECONDITION, f"Request to assign label {label} to {found}") from refusal


def _tell(status: Any, version: Version) -> None:
    status.version = version.number
    status.state = version.state
    if version.error is not None:
        status.status.error_code = version.error.code
        status.status.error_message = str(version.error)


def _config(given: Any) -> ModelConfig:
    if not given.model_platform and not given.model_type:
        raise Refusal(Code.INVALID_ARGUMENT, "Illegal setting neither model_type(deprecated) nor model_platform.")
    if given.model_platform not in ("", _PLATFORM) or given.model_type not in (0, _TENSORFLOW):
        found = f"model {given.name} has platform {given.model_platform!r}"
        raise Refusal(Code.INVALID_ARGUMENT, f"expected platform {_PLATFORM!r}, but {found}")
    base = Path(given.base_path)
    if not base.is_absolute():
        found = f"an absolute path; got base_path()={given.base_path}"
        raise Refusal(Code.INVALID_ARGUMENT, f"Expected model {given.name} to have {found}")
    return ModelConfig(base, _policy(given.model_version_policy), dict(given.version_labels))


def _policy(given: Any) -> Policy:
    match given.WhichOneof("policy_choice"):
        case "all":
            return All()
        case "specific":
            return Specific(frozenset(given.specific.versions))
        case "latest":
            return Latest(given.latest.num_versions or 1)
        case _:
            return Latest()
