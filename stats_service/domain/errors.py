"""What can be wrong with a change of what keeps streaks, or with a question about progress."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from service_kit.errors import (
    ConflictError,
    InvalidArgumentError,
    InvalidStateError,
    LimitPolicy,
    NotFoundError,
    QuotaExceededError,
)


class DateOutOfRangeError(InvalidArgumentError):
    """The day is too early or too late; a bound that is None is open."""

    reason = "DATE_OUT_OF_RANGE"

    def __init__(self, field: str, earliest: date | None, latest: date | None) -> None:
        bounds = " and ".join(
            f"{word} {bound}" for word, bound in (("from", earliest), ("until", latest)) if bound
        )
        super().__init__(
            f"{field} must be {bounds}", field=field, earliest=earliest or "", latest=latest or ""
        )


class PauseTooLongError(InvalidArgumentError):
    """The pause has too many days."""

    reason = "PAUSE_TOO_LONG"

    def __init__(self, maximum: int) -> None:
        super().__init__(f"A pause has at most {maximum} days", maximum=maximum)


class PauseOverlapsError(ConflictError):
    """Another pause has some of its days."""

    reason = "PAUSE_OVERLAPS"

    def __init__(self, other: UUID) -> None:
        super().__init__("Another pause has some of these days", pause=f"pauses/{other}")


class PauseNotFoundError(NotFoundError):
    """There is no such pause, or it is somebody else's."""

    reason = "PAUSE_NOT_FOUND"

    def __init__(self, pause_id: UUID) -> None:
        super().__init__("There is no such pause", pause=f"pauses/{pause_id}")


class PauseOverError(InvalidStateError):
    """The pause has ended."""

    reason = "PAUSE_OVER"

    def __init__(self, end: date) -> None:
        super().__init__(f"The pause ended with {end}", end_date=end)


class FreezeLimitReachedError(InvalidStateError):
    """As many freezes are held for the streak as can be, or more since a limit was lowered."""

    reason = "FREEZE_LIMIT_REACHED"

    def __init__(self, product: str, limit: int) -> None:
        super().__init__(f"At most {limit} freezes can be held for this streak", product=product, limit=limit)


class FreezePurchasesUsedUpError(QuotaExceededError):
    """As many freezes were bought within so many days, for all of the account's streaks, as can be."""

    def __init__(self, limit: int, within: timedelta, retry_after: timedelta) -> None:
        super().__init__(
            f"At most {limit} freezes can be bought in {within.days} days",
            LimitPolicy("freeze_purchases", limit, int(within.total_seconds())),
            retry_after=max(1, int(retry_after.total_seconds())),
        )


class RepairDayNotOverError(InvalidStateError):
    """The day to repair is today or later."""

    reason = "REPAIR_DAY_NOT_OVER"

    def __init__(self, day: date, today: date) -> None:
        super().__init__(
            f"{day} is not over for this user, whose day is {today}: nothing is missed",
            date=day,
            today=today,
        )


class RepairNotNeededError(InvalidStateError):
    """The day to repair is practised, or kept by something else than a freeze."""

    reason = "REPAIR_NOT_NEEDED"

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} ended no streak: it is practised, or kept already", date=day)


class RepairWithoutStreakError(InvalidStateError):
    """No streak was alive that the day could have ended."""

    reason = "REPAIR_WITHOUT_STREAK"

    def __init__(self, day: date) -> None:
        super().__init__(f"No streak was alive that {day} could have ended", date=day)


class AccountNotFoundError(NotFoundError):
    """Nothing was ever told of the account."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "Nothing is known of this account: there is no such account, or it has never practised"
        )


class BadgeNotFoundError(NotFoundError):
    """There is no such badge, or it is hidden from those who have not earned it."""

    reason = "BADGE_NOT_FOUND"

    def __init__(self, badge_id: str) -> None:
        super().__init__(f"There is no badge '{badge_id}'", badge_id=badge_id)


class AliasTakenError(ConflictError):
    """Another learner goes by this name, or by one that looks like it."""

    reason = "ALIAS_TAKEN"

    def __init__(self) -> None:
        super().__init__("Somebody goes by this name, or by one that looks like it", field="alias")
