"""The rules of accounts, without anything around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from identity_service.adapters.grpc.call_context import client_address
from identity_service.domain.accounts import normalised_email, normalised_given_name, normalised_name
from identity_service.domain.attempts import AttemptLimit, account_subject, address_subject
from identity_service.domain.errors import NameInvalidError, TooManyAttemptsError
from service_kit.errors import LimitPolicy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMIT = AttemptLimit(3, timedelta(minutes=15))


def minutes(*numbers: float) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


def test_emails_compare_without_capitals_and_white_space() -> None:
    assert normalised_email(" Ana.Ruiz@Example.COM ") == "ana.ruiz@example.com"


def test_names_are_composed_and_trimmed() -> None:
    assert normalised_name("last_name", " Nu\u0301n\u0303ez ") == "Núñez"
    assert normalised_name("last_name", "") == ""


@pytest.mark.parametrize("name", ["می‌خواهم", "ශ්‍රී", "Ana\u3000Ruiz", "O\u2019Neill", "אנה\u200f"], ids=ascii)
def test_names_are_written_as_their_scripts_need(name: str) -> None:
    assert normalised_given_name("first_name", name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "a\tb", "a\0", "\u202eana", "\u3164", "\u2800", "\u115f\u1160", "\u200d"], ids=ascii
)
def test_a_given_name_is_visible(name: str) -> None:
    with pytest.raises(NameInvalidError):
        normalised_given_name("first_name", name)


def test_a_family_name_is_left_out_or_visible() -> None:
    assert normalised_name("last_name", " ") == ""
    with pytest.raises(NameInvalidError):
        normalised_name("last_name", "\u3164")


def test_attempts_out_of_the_window_do_not_count() -> None:
    assert LIMIT.admit(minutes(-15, -14, -20, -1), NOON) == minutes(-14, -1)


def test_the_attempt_after_the_last_allowed_one_is_told_when_to_come_back() -> None:
    with pytest.raises(TooManyAttemptsError) as raised:
        LIMIT.admit(minutes(-14.5, -2, -1), NOON)

    assert raised.value.metadata == {"limit": "3", "remaining": "0", "retry_after": "30"}
    assert raised.value.policy == LimitPolicy("attempts", 3, 15 * 60)


def test_a_limit_that_was_lowered_waits_for_enough_attempts_to_leave() -> None:
    with pytest.raises(TooManyAttemptsError) as raised:
        AttemptLimit(1, timedelta(minutes=15)).admit(minutes(-14, -5), NOON)

    assert raised.value.metadata["retry_after"] == str(10 * 60)


def test_accounts_and_addresses_are_counted_apart() -> None:
    assert account_subject("203.0.113.1") != address_subject("203.0.113.1")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.2", False),
        ("203.0.113.1", "::ffff:203.0.113.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("unknown", "unknown", True),
    ],
)
def test_an_ipv6_site_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (address_subject(one) == address_subject(other)) is same


@pytest.mark.parametrize(
    ("told", "peer", "address"),
    [
        ({}, "ipv4:192.0.2.7:50000", "192.0.2.7"),
        ({}, "ipv6:%5B2001:db8::7%5D:50000", "2001:db8::7"),
        ({}, "unix:", "unix:"),
        ({"x-practice-client-address": "203.0.113.9"}, "ipv4:127.0.0.1:1", "203.0.113.9"),
        ({"x-forwarded-for": "6.6.6.6"}, "ipv4:127.0.0.1:1", "127.0.0.1"),
    ],
)
def test_the_address_is_what_the_gateway_says_or_else_the_peer(
    told: dict[str, str], peer: str, address: str
) -> None:
    assert client_address(told.items(), peer) == address
