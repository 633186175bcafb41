"""What becomes of the items of a sync."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service_kit.errors import ServiceError
from session_service.application.ports.synced_items import SyncedItem
from session_service.domain.errors import ClientIdReusedError, Refusal
from session_service.domain.offline import OfflineItem, RefusedAnswer, digest_of


class SyncOutcome(StrEnum):
    """Whether an item is on record, and since when."""

    MERGED = "merged"
    ALREADY_KNOWN = "already_known"
    REFUSED = "refused"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item; `session_id` is 0 for what is not on record."""

    client_id: str
    outcome: SyncOutcome
    session_id: int = 0
    refusal: Refusal | None = None
    refused_answers: tuple[RefusedAnswer, ...] = ()


def refused(client_id: str, refusal: Refusal) -> ItemResult:
    """Returns the result of an item that is not on record as it is."""
    outcome = SyncOutcome.CONFLICT if refusal.category == "conflict" else SyncOutcome.REFUSED
    return ItemResult(client_id, outcome, refusal=refusal)


def refused_for(client_id: str, error: ServiceError) -> ItemResult:
    """Returns the result of an item that an error is about; raises any other error."""
    return refused(client_id, Refusal.of(error))


def on_record(item: OfflineItem, entry: SyncedItem, *, merged: bool = False) -> ItemResult:
    """Returns the result of an item whose id is on record, `merged` when it is so since now."""
    if not merged and entry.digest != digest_of(item):
        return refused_for(item.client_id, ClientIdReusedError(item.client_id))
    outcome = SyncOutcome.MERGED if merged else SyncOutcome.ALREADY_KNOWN
    return ItemResult(item.client_id, outcome, entry.session_id, refused_answers=entry.refused_answers)
