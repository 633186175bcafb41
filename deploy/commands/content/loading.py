"""Checks the content files and loads them through the services' own APIs.

`check` needs no service. `load` sends the whole content every time: what is
new is created, what differs is replaced, what is the same stays as it is.
Content that was removed from the files stays in the services, because learners
have answered it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import grpc
from google.protobuf.json_format import ParseDict
from practice.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from practice.session.v1 import product_admin_service_pb2, product_admin_service_pb2_grpc
from practice.stats.v1 import stats_service_pb2, stats_service_pb2_grpc

from deploy.commands.admin_client import INTERNAL_HEADER, reason_of
from deploy.commands.content.files import Entry, Fault, read_content
from deploy.commands.content.schema import (
    ACHIEVEMENTS,
    ACTIVITIES,
    BADGES,
    EXERCISES,
    PROBLEMS,
    PRODUCTS,
    SEQUENCES,
)
from deploy.faults import CommandError
from service_kit.grpc.targets import target

__all__ = [
    "Addresses",
    "ContentRefusedError",
    "Fault",
    "LoadFailedError",
    "LoadReport",
    "Loaded",
    "check",
    "load",
]

# The requests' own bounds.
LARGEST_BATCH = 1000
LARGEST_ACTIVITY_BATCH = 100
LARGEST_PRODUCT_BATCH = 200
# Seconds for one batch, waiting for the service to come up included.
DEADLINE = 30.0

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class ContentRefusedError(CommandError):
    """The files have faults, so nothing was sent."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class LoadFailedError(CommandError):
    """A service did not take the content. Loading again is safe."""

    def __init__(self, kind: str, address: str, error: grpc.RpcError) -> None:
        super().__init__(f"{kind} were not loaded: the service at {address} {reason_of(error)}")
        self.kind = kind
        self.address = address


class _Counts(Protocol):
    """What every load response tells."""

    @property
    def created_count(self) -> int: ...
    @property
    def updated_count(self) -> int: ...
    @property
    def unchanged_count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading changed for one kind of content."""

    kind: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def plus(self, response: _Counts) -> Loaded:
        """Returns these counts with those of one more response."""
        return Loaded(
            self.kind,
            self.created + response.created_count,
            self.updated + response.updated_count,
            self.unchanged + response.unchanged_count,
        )


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What loading changed, kind by kind."""

    kinds: tuple[Loaded, ...]


@dataclass(frozen=True, slots=True)
class _Caller:
    """A channel to one service, and what goes with every call."""

    channel: grpc.Channel
    internal_token: str

    def call(self, method: grpc.UnaryUnaryMultiCallable[_Request, _Response], request: _Request) -> _Response:
        return method(
            request,
            timeout=DEADLINE,
            metadata=((INTERNAL_HEADER, self.internal_token),),
            wait_for_ready=True,
        )


def check(directory: Path) -> list[Fault]:
    """Returns what keeps the content files of `directory` from being loaded, by file and line."""
    return read_content(directory).faults


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are that own content, as `host:port`."""

    session: str
    catalog: str
    stats: str


def load(directory: Path, addresses: Addresses, internal_token: str) -> LoadReport:
    """Sends the content of `directory` to the services that own it. Idempotent.

    Products go first and badges last, in batches of at most 1,000 (products
    200, activities 100), each taken whole or not at all.
    A kind without files is skipped.

    Raises:
        ContentRefusedError: the files have faults; nothing was sent.
        LoadFailedError: a service refused or did not answer within 30 s a batch;
            earlier batches stay loaded.
    """
    content = read_content(directory)
    if content.faults:
        raise ContentRefusedError(content.faults)
    loaded: list[Loaded] = []
    for kind, address, load_batch, most in (
        (PRODUCTS, addresses.session, _load_products, LARGEST_PRODUCT_BATCH),
        (EXERCISES, addresses.catalog, _load_exercises, LARGEST_BATCH),
        (ACTIVITIES, addresses.catalog, _load_activities, LARGEST_ACTIVITY_BATCH),
        (SEQUENCES, addresses.catalog, _load_sequences, LARGEST_BATCH),
        (PROBLEMS, addresses.catalog, _load_problems, LARGEST_BATCH),
        (ACHIEVEMENTS, addresses.catalog, _load_achievements, LARGEST_BATCH),
        (BADGES, addresses.stats, _load_badges, LARGEST_BATCH),
    ):
        entries = content.entries[kind.name]
        batches = [entries[start : start + most] for start in range(0, len(entries), most)]
        loaded.append(_load_kind(kind.name, address, internal_token, load_batch, batches))
    return LoadReport(tuple(loaded))


def _load_products(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"products": batch}, product_admin_service_pb2.LoadProductsRequest())
    stub = product_admin_service_pb2_grpc.ProductAdminServiceStub(caller.channel)
    return caller.call(stub.LoadProducts, request)


def _load_exercises(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"exercises": batch}, catalog_service_pb2.LoadExercisesRequest())
    return caller.call(_catalog(caller).LoadExercises, request)


def _load_activities(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"activities": batch}, catalog_service_pb2.LoadActivitiesRequest())
    return caller.call(_catalog(caller).LoadActivities, request)


def _load_sequences(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"sequences": batch}, catalog_service_pb2.LoadSequencesRequest())
    return caller.call(_catalog(caller).LoadSequences, request)


def _load_problems(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    # A problem does not know its key; the request has it beside the problem.
    shipped = [
        {
            "key": entry["key"],
            "problem": {name: value for name, value in entry.items() if name != "key"},
        }
        for entry in batch
    ]
    request = ParseDict({"problems": shipped}, catalog_service_pb2.LoadProblemsRequest())
    return caller.call(_catalog(caller).LoadProblems, request)


def _load_achievements(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"achievements": batch}, catalog_service_pb2.LoadAchievementsRequest())
    return caller.call(_catalog(caller).LoadAchievements, request)


def _load_badges(caller: _Caller, batch: Sequence[Entry]) -> _Counts:
    request = ParseDict({"badge_definitions": batch}, stats_service_pb2.LoadBadgeDefinitionsRequest())
    return caller.call(
        stats_service_pb2_grpc.StatsAdminServiceStub(caller.channel).LoadBadgeDefinitions, request
    )


def _catalog(caller: _Caller) -> catalog_service_pb2_grpc.CatalogAdminServiceStub:
    return catalog_service_pb2_grpc.CatalogAdminServiceStub(caller.channel)


def _load_kind(
    kind: str,
    address: str,
    internal_token: str,
    load_batch: Callable[[_Caller, Sequence[Entry]], _Counts],
    batches: Sequence[Sequence[Entry]],
) -> Loaded:
    loaded = Loaded(kind)
    # The services are inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(target(address), options=[("grpc.enable_http_proxy", 0)]) as channel:
        caller = _Caller(channel, internal_token)
        for batch in batches:
            try:
                loaded = loaded.plus(load_batch(caller, batch))
            except grpc.RpcError as error:
                raise LoadFailedError(kind, address, error) from error
    return loaded
