"""The erasure of an account in every service, and its receipt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from service_kit.personal_data import Report


@dataclass(frozen=True, slots=True)
class Erasure:
    """An account that is gone, and what each service says of it: None while it has not answered.

    Holds nothing of the user but the account's number, which is never used
    again.
    """

    receipt_id: UUID
    user_id: int
    erased_at: datetime
    completed_at: datetime | None
    reports: Mapping[str, Report | None]

    @property
    def unanswered(self) -> list[str]:
        """The services that have not answered."""
        return sorted(service for service, report in self.reports.items() if report is None)

    def document(self) -> str:
        """Returns the receipt as canonical JSON: sorted keys, no white space, times in UTC."""
        services = {
            service: {"removed": dict(report.removed), "corrected": dict(report.corrected)}
            for service, report in self.reports.items()
            if report is not None
        }
        receipt = {
            "receipt_id": str(self.receipt_id),
            "account_number": self.user_id,
            "erase_time": _utc(self.erased_at),
            "complete_time": _utc(self.completed_at) if self.completed_at else None,
            "services": services,
        }
        return json.dumps(receipt, sort_keys=True, separators=(",", ":"))


def digest(document: str) -> str:
    """Returns the SHA-256 of a receipt in hexadecimal digits."""
    return hashlib.sha256(document.encode()).hexdigest()


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
