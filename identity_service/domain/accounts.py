"""Accounts, and the forms in which their fields are compared and kept."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from identity_service.domain.errors import NameInvalidError
from service_kit.visible_text import is_visible_line


@dataclass(frozen=True, slots=True)
class Account:
    """A person who practises. `email` is normalised; access tokens carry `token_generation`."""

    user_id: int
    first_name: str
    last_name: str
    email: str
    created_at: datetime
    token_generation: int = 0


def normalised_email(email: str) -> str:
    """Returns the form in which addresses are compared and stored."""
    return email.strip().lower()


def normalised_name(field: str, name: str) -> str:
    """Returns a name in NFC without white space around it; it may be empty. Raises NameInvalidError."""
    normal = unicodedata.normalize("NFC", name).strip()
    if normal and not is_visible_line(normal):
        raise NameInvalidError(field)
    return normal


def normalised_given_name(field: str, name: str) -> str:
    """Returns a name that is not blank. Raises NameInvalidError."""
    normal = normalised_name(field, name)
    if not normal:
        raise NameInvalidError(field)
    return normal


def normalised_password(password: str) -> str:
    """Returns a password in NFC: keyboards differ in how they compose one character (RFC 8265)."""
    return unicodedata.normalize("NFC", password)
