"""What the contracts say about the edge: which services are public, which for operators, where they run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto

# The services with this ending are for operators and the platform's own services,
OPERATOR_ENDING = "AdminService"
# and those with these are never public.
INTERNAL_ENDINGS = (OPERATOR_ENDING, "ExportService", "PersonalDataService")

# Which cluster answers for which contracts; the longest match wins.
CLUSTERS = {
    "practice.identity.": "identity",
    "practice.catalog.": "catalog",
    "practice.session.": "session",
    "practice.stats.": "stats",
    "practice.products.": "session",
    "practice.products.focus.v1.FocusProgressService": "stats",
    "practice.products.design.v1.DesignUsersService": "identity",
    "practice.products.design.v1.DesignProblemsService": "catalog",
}

# The methods that need no access token.
OPEN_METHODS = frozenset(
    {
        "practice.identity.v1.IdentityService/SignUp",
        "practice.identity.v1.IdentityService/LogIn",
        "practice.identity.v1.IdentityService/RefreshAccessToken",
        "practice.identity.v1.IdentityService/GetJwks",
        "practice.catalog.v1.ProblemService/GetProblem",
        "practice.catalog.v1.ProblemService/ListProblems",
        "practice.products.design.v1.DesignUsersService/SignUp",
        "practice.products.design.v1.DesignUsersService/LogIn",
        "practice.products.design.v1.DesignUsersService/Refresh",
        "practice.products.design.v1.DesignProblemsService/ListProblems",
        "practice.products.design.v1.DesignProblemsService/GetProblem",
        "practice.products.design.v1.DesignProblemsService/SearchProblems",
    }
)

# The methods that carry documents, or many answers, and take bodies of full size.
LARGE_METHODS = frozenset(
    {
        "practice.catalog.v1.ProblemService/CreateProblem",
        "practice.catalog.v1.ProblemService/UpdateProblem",
        "practice.session.v1.SessionService/SaveDraft",
        "practice.session.v1.SessionService/SubmitAnswers",
        "practice.session.v1.SubmissionService/CreateSubmission",
        "practice.session.v1.SubmissionService/UpdateSubmission",
        "practice.session.v1.SyncService/SyncSessionsJson",
        "practice.products.design.v1.DesignProblemsService/CreateProblem",
        "practice.products.design.v1.DesignProblemsService/UpdateProblem",
        "practice.products.design.v1.DesignSessionsService/AutosaveSession",
        "practice.products.design.v1.DesignSessionsService/CreateSubmission",
        "practice.products.design.v1.DesignSessionsService/UpdateSubmission",
    }
)

# The methods whose streams go on until something has happened. All other streams are downloads.
WATCHES = frozenset(
    {"practice.session.v1.SessionService/WatchSession", "practice.stats.v1.StatsService/WatchStatistics"}
)

# A method at the path of another one below this answers the same as server-sent events. The gateway
# takes calls there whose client accepts those; nobody else can.
EVENTS_PREFIX = "/events"


@dataclass(frozen=True, slots=True)
class Binding:
    """An HTTP method and a path template; `body` is the field that the body says, `*` for all of them."""

    verb: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A method with paths: `name` is `package.Service/Method`, `request` the full name of its message."""

    name: str
    streaming: bool
    request: str
    bindings: tuple[Binding, ...]

    @property
    def service(self) -> str:
        """The full name of the method's service."""
        return self.name.partition("/")[0]

    @property
    def is_of_events(self) -> bool:
        """Whether it streams server-sent events."""
        return self.bindings[0].path.startswith(f"{EVENTS_PREFIX}/")


def public_methods(contracts: Path) -> list[Method]:
    """Returns the methods at the edge, in the contracts' order. Raises OSError without the file.

    A method without a REST path is for those inside, such as the bridge; one of events has that of another.
    """
    return [method for method in _edge_methods(contracts) if not method.is_of_events]


def event_methods(contracts: Path) -> dict[str, Method]:
    """Returns the methods that stream server-sent events, by the path at which they are called."""
    return {
        method.bindings[0].path.removeprefix(EVENTS_PREFIX): method
        for method in _edge_methods(contracts)
        if method.is_of_events
    }


def operator_methods(contracts: Path) -> list[Method]:
    """Returns the methods for operators, in the contracts' order. Raises OSError without the file.

    An admin method without a REST path is for the platform's own services.
    """
    return [method for method in _bound_methods(contracts) if method.service.endswith(OPERATOR_ENDING)]


def services_of(methods: list[Method]) -> list[str]:
    """Returns the services of the methods, each once."""
    return list(dict.fromkeys(method.service for method in methods))


def cluster_of(service: str) -> str:
    """Returns the cluster that runs a service. Raises LookupError for one without a row in CLUSTERS."""
    matches = [prefix for prefix in CLUSTERS if service.startswith(prefix)]
    if not matches:
        raise LookupError(f"no cluster in gateway.contracts.CLUSTERS for {service}")
    return CLUSTERS[max(matches, key=len)]


def _edge_methods(contracts: Path) -> list[Method]:
    return [method for method in _bound_methods(contracts) if not method.service.endswith(INTERNAL_ENDINGS)]


def _bound_methods(contracts: Path) -> list[Method]:
    methods = (
        Method(
            f"{file.package}.{service.name}/{method.name}",
            method.server_streaming,
            method.input_type.removeprefix("."),
            _bindings(method),
        )
        for file in FileDescriptorSet.FromString(contracts.read_bytes()).file
        for service in file.service
        for method in service.method
    )
    return [method for method in methods if method.bindings]


def _bindings(method: MethodDescriptorProto) -> tuple[Binding, ...]:
    rule = method.options.Extensions[annotations_pb2.http]
    return tuple(_binding(each) for each in (rule, *rule.additional_bindings) if each.WhichOneof("pattern"))


def _binding(rule: http_pb2.HttpRule) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise ValueError("a contract with a custom HTTP verb has no place at the edge")
    return Binding(verb.upper(), getattr(rule, verb), rule.body)


_VARIABLE = re.compile(r"\{[^=}]+(?:=([^}]*))?\}")


def path_pattern(template: str) -> str:
    """Returns a regular expression for the paths of a template such as `/v1/{name=items/*}:stop`."""
    pattern, end = "", 0
    for variable in _VARIABLE.finditer(template):
        segments = re.escape(variable[1] or "*").replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
        pattern += re.escape(template[end : variable.start()]) + segments
        end = variable.end()
    return pattern + re.escape(template[end:])
