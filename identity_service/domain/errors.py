"""The errors of identity."""

from __future__ import annotations

from datetime import timedelta

from service_kit.errors import (
    ConflictError,
    InvalidArgumentError,
    LimitPolicy,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)


class NameInvalidError(InvalidArgumentError):
    """A name is blank or holds characters that no name has."""

    reason = "FIELD_INVALID"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: a name is made of visible characters", field=field, rule="name.visible")


class EmailTakenError(ConflictError):
    """The email has an account."""

    reason = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("This email has an account already")


class AccountNotFoundError(NotFoundError):
    """There is no such account."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such account")


class CredentialsInvalidError(UnauthenticatedError):
    """Wrong password and unknown email alike."""

    reason = "CREDENTIALS_INVALID"

    def __init__(self) -> None:
        super().__init__("The email and the password do not belong together")


class RefreshTokenInvalidError(UnauthenticatedError):
    """The refresh token is unknown, expired or revoked."""

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid")


class TooManyAttemptsError(RateLimitedError):
    """The limit of attempts within a period is reached. `retry_after` is in seconds."""

    def __init__(self, limit: int, period: timedelta, retry_after: int) -> None:
        super().__init__(
            "Too many attempts; try again later",
            LimitPolicy("attempts", limit, int(period.total_seconds())),
            limit=limit,
            remaining=0,
            retry_after=retry_after,
        )


class PasswordTooCommonError(InvalidArgumentError):
    """The password is among those that anybody tries first."""

    reason = "PASSWORD_TOO_COMMON"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: this password is guessed first; choose another", field=field)


class ReceiptNotFoundError(NotFoundError):
    """There is no such receipt of an erasure."""

    reason = "RECEIPT_NOT_FOUND"

    def __init__(self, receipt_id: object) -> None:
        super().__init__("There is no such receipt", receipt_id=receipt_id)
