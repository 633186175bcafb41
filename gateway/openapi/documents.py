"""The documents: one for `/v1`, one for each product, one for operators."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gateway import contracts as edge
from gateway.error_reasons import read_reasons
from gateway.openapi import error_bodies
from gateway.openapi.contracts import Contracts
from gateway.openapi.errors import HEADERS as ERROR_HEADERS
from gateway.openapi.errors import ErrorShape
from gateway.openapi.examples import read_examples
from gateway.openapi.operations import Operations
from gateway.openapi.schemas import Schemas
from gateway.openapi.words import Schema, description_of, operation_name, without_subject

Document = dict[str, Any]

_TEXTS = Path(__file__).with_name("introductions")

# What a service is called, in the order of reading.
TAGS: Mapping[str, str] = {
    "IdentityService": "Accounts",
    "AccountAdminService": "Accounts",
    "DesignUsersService": "Accounts",
    "PrivacyAdminService": "Privacy",
    "DesignProblemsService": "Problems",
    "ExercisesService": "Drills",
    "PortalService": "Sessions",
    "YogaService": "Sessions",
    "FocusService": "Sessions",
    "FocusProgressService": "Progress",
    "DesignSessionsService": "Sessions and submissions",
    "SessionService": "Sessions",
    "SyncService": "Offline",
    "SubmissionService": "Submissions",
    "CatalogService": "Catalog",
    "ProblemService": "Problems",
    "CalendarService": "Calendar",
    "StatsService": "Statistics",
    "SummaryService": "Summaries",
    "StreakService": "Streaks",
    "StreakAdminService": "Streaks",
    "BadgeService": "Badges",
    "BadgeAdminService": "Badges",
    "StatsAdminService": "Badges",
    "LeaderboardService": "Leaderboards",
    "ExplanationService": "Explanations",
    "ExplanationAdminService": "Explanations",
    "PrivacyService": "Privacy",
    "ProductAdminService": "Products",
    "OutboxAdminService": "Events",
    "RecalculationAdminService": "Recalculation",
    "ReconciliationAdminService": "Reconciliation",
}

# What products answer where `/v1` has another status; below it, what each of them has of its own.
_OF_PRODUCTS = {"FAILED_PRECONDITION": [409], "IDEMPOTENCY_KEY_REUSED": [422]}
# Where what cannot be read is a 422.
_UNREADABLE = {
    "FIELD_INVALID": [422],
    "REQUEST_MALFORMED": [422, 408, 415, 426, 501],
    "PASSWORD_TOO_COMMON": [422],
}


@dataclass(frozen=True, slots=True)
class Described:
    """A document to be: the packages whose services it describes, and how its errors look."""

    name: str
    title: str
    packages: tuple[str, ...]
    error: error_bodies.ErrorBody
    statuses: Mapping[str, Sequence[int]] = field(default_factory=dict)
    operators: bool = False


DOCUMENTS = (
    Described(
        "canonical",
        "Practice platform",
        ("practice.identity.", "practice.catalog.", "practice.session.", "practice.stats."),
        error_bodies.CANONICAL,
    ),
    Described(
        "exercises",
        "Exercises: language drills",
        ("practice.products.exercises.",),
        error_bodies.DETAIL,
        {**_OF_PRODUCTS, "SESSION_ENDED": [400]},
    ),
    Described(
        "portal",
        "Portal: vocabulary",
        ("practice.products.portal.",),
        error_bodies.ERROR_AND_MESSAGE,
        {**_OF_PRODUCTS, "SESSION_ENDED": [400], "ITEM_NOT_FOUND": [400]},
    ),
    Described(
        "yoga",
        "Yoga",
        ("practice.products.yoga.",),
        error_bodies.DETAIL_LIST,
        # 403 where the session is another's.
        {**_OF_PRODUCTS, **_UNREADABLE, "SESSION_NOT_FOUND": [404, 403]},
    ),
    Described("focus", "Focus time", ("practice.products.focus.",), error_bodies.ENVELOPE, _OF_PRODUCTS),
    Described(
        "design",
        "System design",
        ("practice.products.design.",),
        error_bodies.DETAIL_LIST,
        {
            **_OF_PRODUCTS,
            **_UNREADABLE,
            "SESSION_NOT_FOUND": [404, 403],
            "SUBMISSION_NOT_FOUND": [404, 403],
            "SESSION_ENDED": [400],
            "EMAIL_TAKEN": [400],
            "ETAG_MISMATCH": [412],
            "CONVERSATION_FULL": [413],
            "DRAFT_INVALID": [422, 413],
        },
    ),
    Described("operators", "Operators", ("practice.",), error_bodies.CANONICAL, operators=True),
)


def describe(contracts: Path, described: Described, version: str) -> Document:
    """Returns a document. Raises OSError without the descriptor set."""
    known = read_contracts(contracts)
    mine = methods_of(contracts, described)
    schemas = Schemas(known, _short_names([*known.messages, *known.enums], described.packages))
    open_methods = frozenset() if described.operators else edge.OPEN_METHODS
    errors = ErrorShape(
        read_reasons(contracts),
        statuses=described.statuses,
        open_methods=open_methods,
        operators=described.operators,
    )
    events = {path: known.methods[method.name] for path, method in edge.event_methods(contracts).items()}
    examples = read_examples(described.name)
    operations = Operations(known, schemas, errors, examples, tag=tag_of, events=events)
    paths: dict[str, dict[str, Any]] = {}
    for method in mine:
        for path, verb, operation in operations.of(method):
            paths.setdefault(path, {})[verb] = operation
    security = "InternalToken" if described.operators else "AccessToken"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": described.title,
            "version": version,
            "description": introduction(described.name, *([] if described.operators else ["every_call"])),
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": _OPERATORS_SERVERS if described.operators else _SERVERS,
        "externalDocs": {"url": "/docs/", "description": "Guides, and the documents of the other APIs."},
        "security": [{security: []}],
        "tags": _tags(known, edge.services_of(mine)),
        "paths": paths,
        "components": {
            "schemas": {**schemas.components(), **described.error},
            **_used(paths, {"parameters": _PARAMETERS, "headers": {**_HEADERS, **ERROR_HEADERS}}),
            "securitySchemes": {security: _SECURITY[security]},
        },
    }


def methods_of(contracts: Path, described: Described) -> list[edge.Method]:
    """Returns the methods that a document describes. Raises OSError without the descriptor set."""
    methods = edge.operator_methods(contracts) if described.operators else edge.public_methods(contracts)
    return [method for method in methods if method.service.startswith(described.packages)]


def without_example(contracts: Path, described: Described) -> list[str]:
    """Returns the operations of a document that have none. Raises OSError without the descriptor set."""
    told = read_examples(described.name)
    operations = (
        operation_name(method.name.partition("/")[2]) for method in methods_of(contracts, described)
    )
    return [operation for operation in operations if operation not in told]


@cache
def read_contracts(contracts: Path) -> Contracts:
    """Returns what a descriptor set has, read once. Raises OSError without the file."""
    return Contracts.read(contracts)


def introduction(*names: str) -> str:
    """Returns what stands first in a document: the texts of these names, one after the other."""
    return "\n\n".join((_TEXTS / f"{name}.md").read_text(encoding="utf-8").strip() for name in names)


def tag_of(service: str) -> str:
    """Returns what a service is called in documents."""
    name = service.rpartition(".")[2]
    return TAGS.get(name) or name.removesuffix("Service").removesuffix("Admin")


def _tags(known: Contracts, services: Sequence[str]) -> list[dict[str, str]]:
    """Returns the tags of services in the order of reading; those without a place in it come last."""
    places = {name: place for place, name in enumerate(TAGS)}
    methods = {name.partition("/")[2] for name in known.methods}
    told: dict[str, str] = {}
    for service in sorted(services, key=lambda each: places.get(each.rpartition(".")[2], len(places))):
        words = without_subject(known.services[service], service)
        told.setdefault(tag_of(service), description_of(words, methods))
    return [{"name": name, "description": words} for name, words in told.items()]


def _used(paths: Mapping[str, Any], components: Mapping[str, Mapping[str, Schema]]) -> dict[str, Any]:
    """Returns of each kind of components those that paths refer to."""
    said = json.dumps(paths)
    return {
        kind: {name: told for name, told in each.items() if f'"#/components/{kind}/{name}"' in said}
        for kind, each in components.items()
    }


def _short_names(names: Sequence[str], packages: Sequence[str]) -> Callable[[str], str]:
    """Returns how a full name is written: its last part, with what is before where two would be the same."""
    mine = [name for name in names if name.startswith(tuple(packages))]
    taken: dict[str, int] = {}
    for name in mine:
        short = _last(name)
        taken[short] = taken.get(short, 0) + 1

    def write(name: str) -> str:
        short = _last(name)
        if taken.get(short, 0) < 2:
            return short
        context = next(part for part in reversed(name.split(".")) if part[0].islower() and part[1:].isalpha())
        return f"{context.capitalize()}{short}"

    return write


def _last(name: str) -> str:
    return "".join(part for part in name.split(".") if part[0].isupper())


_SERVERS = [
    {"url": "/", "description": "The gateway that this document is read from."},
    {"url": "http://127.0.0.1:8080", "description": "The stack that `make up` starts."},
]
_OPERATORS_SERVERS = [
    {"url": "/", "description": "The operators' listener that this document is read from."},
    {"url": "http://127.0.0.1:9902", "description": "That of the stack that `make up` starts."},
]
_PARAMETERS: dict[str, Schema] = {
    "IdempotencyKey": {
        "name": "idempotency-key",
        "in": "header",
        "required": False,
        "description": "Makes a retry safe: a change with a key is done once, and answered the same for 72 "
        "hours. A UUID is best. The same key with another request is refused with `IDEMPOTENCY_KEY_REUSED`.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "TimeZone": {
        "name": "x-time-zone",
        "in": "header",
        "required": False,
        "description": "The learner's IANA time zone, which decides the day that practice counts for. It is "
        "remembered; what is no zone is ignored, and told in `x-time-zone-ignored`.",
        "schema": {"type": "string", "maxLength": 64, "examples": ["Europe/Madrid"]},
    },
    "LastEventId": {
        "name": "last-event-id",
        "in": "header",
        "required": False,
        "description": "For `text/event-stream`: the `id` of the last event seen, after which it goes on. "
        "Takes the place of `cursor`.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "IfMatch": {
        "name": "if-match",
        "in": "header",
        "required": False,
        "description": "The `etag` of the version that was edited, with or without its quotes: when another "
        "was saved since, nothing is done. Without it, or with `*`, the last one wins.",
        "schema": {"type": "string"},
    },
}
_HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "Names the call in logs: tell it when you report a fault. An `x-request-id` that was "
        "sent, 1 to 128 of `A-Z a-z 0-9 . _ -`, comes back.",
        "schema": {"type": "string"},
    },
    "UserSeq": {
        "description": "How many events of the learner there are. A read of statistics under `/v1` that is "
        "sent it as `min_user_seq` waits until they are counted.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "TimeZoneIgnored": {
        "description": "The `x-time-zone` that was sent, when it is no zone and was ignored.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The version of what was answered, for `if-match`.",
        "schema": {"type": "string"},
    },
}
_SECURITY: dict[str, Schema] = {
    "AccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` that a log-in answers: `POST /v1/accounts:logIn`. One account and "
        "one token serve every product.",
    },
    "InternalToken": {
        "type": "apiKey",
        "in": "header",
        "name": "x-practice-internal",
        "description": "The platform's internal token: `.practice/secrets/internal_token` of a local stack.",
    },
}
