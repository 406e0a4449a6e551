"""From what is configured of a model server to a client of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from jobs.service_job import oip_grpc, oip_rest, tensorflow
from penstock.logs import get_logger
from penstock.remote import probes
from penstock.remote.breaker import BreakerConfig
from penstock.remote.channels import Channel, Tls
from penstock.remote.endpoints import Connection, Endpoints, EndpointsConfig, EndpointState
from penstock.remote.rest import Rest
from penstock.remote.retrying import RetryConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobs.service_job.client import ModelClient
    from penstock.engine_sections import ServiceSettings

    OnChange = Callable[[Sequence[EndpointState]], None]

__all__ = ["ServerConfig", "connected"]

_C = TypeVar("_C", bound=Connection)
_log = get_logger(__name__)
_FIRST_BACK_OFF_S = BreakerConfig().least_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The servers behind one name, which are the same to whoever asks."""

    endpoints: tuple[str, ...]
    """Hosts and ports."""
    protocol: str = "tensorflow"
    """``tensorflow`` or ``open-inference``."""
    transport: str = "grpc"
    """``grpc`` or ``rest``; TensorFlow's is gRPC."""
    tls: Tls | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)  # credentials: in no log
    """Sent with each call: gRPC's metadata, or HTTP's headers."""
    retry: RetryConfig = field(default_factory=RetryConfig)
    breaker: BreakerConfig = field(default_factory=BreakerConfig)

    @classmethod
    def of(cls, service: ServiceSettings, name: str) -> ServerConfig:
        """Return what the settings say of the servers of a name. Raises `KeyError` for one that they do not have."""
        server = service.servers[name]
        most_s = service.breaker_most_ms / 1000
        return cls(
            endpoints=server.endpoints,
            protocol=server.protocol,
            transport=server.transport,
            tls=None if server.tls is None else Tls(**dict(server.tls)),
            metadata={each: secret.get_secret_value() for each, secret in server.metadata.items()},
            retry=RetryConfig(attempts=service.attempts, timeout_s=service.deadline_ms / 1000),
            breaker=BreakerConfig(
                failures=service.breaker_failures, least_s=min(_FIRST_BACK_OFF_S, most_s), most_s=most_s
            ),
        )


def connected(config: ServerConfig, on_change: OnChange | None = None) -> ModelClient:
    """Make a client, in the process that uses it; no server need be there yet.

    Args:
        config: which servers, and how.
        on_change: called with the states of all of them when one has changed, by any thread; must not wait.
    """
    if config.metadata and config.tls is None:
        _log.warning(
            "metadata goes to model servers in plain text: credentials can be read on the way; set tls",
            servers=list(config.endpoints),
            names=sorted(config.metadata),
        )
    match config.protocol, config.transport:
        case "tensorflow", "grpc":
            channels = _endpoints(config, Channel, probes.tensorflow, on_change)
            return tensorflow.TensorFlowClient(channels, config.retry)
        case "open-inference", "grpc":
            channels = _endpoints(config, Channel, probes.open_inference, on_change)
            return oip_grpc.OipGrpcClient(channels, config.retry)
        case "open-inference", "rest":
            rests = _endpoints(config, Rest, probes.open_inference_rest, on_change)
            return oip_rest.OipRestClient(rests, config.retry)
    raise ValueError(f"no client speaks protocol {config.protocol!r} by {config.transport!r}")


def _endpoints(
    config: ServerConfig,
    make: Callable[[str, Tls | None, Mapping[str, str]], _C],
    probe: Callable[[_C, float], None],
    on_change: OnChange | None,
) -> Endpoints[_C]:
    endpoints = Endpoints(
        config.endpoints,
        lambda server: make(server, config.tls, config.metadata),
        lambda connection: probe(connection, config.retry.timeout_s),
        EndpointsConfig(breaker=config.breaker),
        on_change=on_change,
    )
    endpoints.start()
    return endpoints
