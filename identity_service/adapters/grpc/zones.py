"""Hands over what a call without a token says of the account it turned out to be for."""

from __future__ import annotations

from identity_service.domain.accounts import Account
from service_kit.call import current_call
from service_kit.zone_handover import ZoneHandover


async def hand_over(zones: ZoneHandover, account: Account) -> None:
    """Hands over the call's zone and the account's age. Never raises; see ZoneHandover."""
    # Whole seconds, as access tokens tell it.
    signed_up_at = account.created_at.replace(microsecond=0)
    await zones.hand_over(account.user_id, current_call().time_zone, signed_up_at)
