"""Wires identity and serves it: `python -m identity_service.main`."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from practice.identity.v1.account_admin_service_pb2_grpc import add_AccountAdminServiceServicer_to_server
from practice.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from practice.identity.v1.privacy_service_pb2_grpc import (
    add_PrivacyAdminServiceServicer_to_server,
    add_PrivacyServiceServicer_to_server,
)
from practice.identity.v1.revocation_service_pb2_grpc import add_RevocationServiceServicer_to_server
from practice.products.design.v1.design_users_service_pb2_grpc import add_DesignUsersServiceServicer_to_server

from contract_kit.calendars import CalendarSender
from identity_service import keys
from identity_service.adapters.crypto.access_tokens import SignedAccessTokens
from identity_service.adapters.crypto.common_passwords import read_common_passwords
from identity_service.adapters.crypto.passwords import Argon2Passwords
from identity_service.adapters.db.personal_data import OwnData
from identity_service.adapters.db.unit_of_work import units_of_work
from identity_service.adapters.grpc import (
    account_admin_servicer,
    privacy_servicer,
    revocation_servicer,
    servicer,
)
from identity_service.adapters.grpc.account_admin_servicer import AccountAdminServicer
from identity_service.adapters.grpc.privacy_servicer import (
    PrivacyAdminServicer,
    PrivacyServicer,
    PrivacyUseCases,
)
from identity_service.adapters.grpc.products import design
from identity_service.adapters.grpc.revocation_servicer import RevocationServicer
from identity_service.adapters.privacy.personal_data_client import GrpcPersonalDataClient
from identity_service.application.address_limit import AddressLimit
from identity_service.application.change_password import ChangePassword
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.entrance import Entrance
from identity_service.application.erase_account import EraseAccount
from identity_service.application.erase_me import EraseMe
from identity_service.application.export_data import ExportData
from identity_service.application.find_account import FindAccount
from identity_service.application.finish_erasures import FinishErasures
from identity_service.application.forget_expired import ForgetExpired
from identity_service.application.forgetting import Forgetting
from identity_service.application.get_erasure_receipt import GetErasureReceipt
from identity_service.application.get_jwks import GetJwks
from identity_service.application.get_me import GetMe
from identity_service.application.list_revocations import ListRevocations
from identity_service.application.log_in import LogIn
from identity_service.application.log_out import LogOut
from identity_service.application.ports import Clock, Hear, Passwords, UnitOfWorkFactory
from identity_service.application.refresh_access_token import RefreshAccessToken
from identity_service.application.request_seal import RequestSeal
from identity_service.application.sign_up import SignUp
from identity_service.application.use_cases import UseCases
from identity_service.domain.passwords import PasswordRules
from identity_service.settings import Settings
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server, stop_requested
from service_kit.logging import configure_logging
from service_kit.memory import return_what_is_freed
from service_kit.periodic import repeating
from service_kit.revocations import ASK_EVERY_SECONDS, RevocationPoller, Revocations
from service_kit.setting_faults import read_settings
from service_kit.tokens import TokenVerifier
from service_kit.write_health import EVERY_SECONDS, WriteHealth
from service_kit.zone_handover import ZoneHandover

# Each has a connection to the database for itself: fewer than the pool has, so that calls which hash nothing
# never wait for one. Sign-ups never take all threads that hash from log-ins.
_CHECKS_AT_ONCE = 4
_SIGN_UPS_AT_ONCE = 1


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = _now) -> AsyncIterator[RunningServer]:
    """Runs the service for the duration of a block, then lets calls under way finish.

    Raises ValueError when the signing key is not among the published keys.
    """
    engine = open_async_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="identity"
    )
    units = units_of_work(engine)
    channels = {
        "catalog": open_channel(settings.catalog_address),
        "session": open_channel(settings.session_address),
        "stats": open_channel(settings.stats_address),
    }
    clients = {
        name: GrpcPersonalDataClient(channel, settings.internal_token(), name)
        for name, channel in channels.items()
    }
    zones = ZoneHandover(CalendarSender(channels["session"], settings.internal_token()))
    revocations = Revocations(settings.access_lifetime, clock)
    list_revocations = ListRevocations(units, clock, settings.access_lifetime)
    hear = RevocationPoller(revocations, list_revocations)
    server = build_server(_interceptor(settings, zones, revocations))
    forget_expired = ForgetExpired(units, clock)
    try:
        with closing(Argon2Passwords(settings.password_memory_kib)) as passwords:
            check = CredentialCheck(units, passwords, clock)
            entrance = _entrance(settings, "log-ins", at_once=_CHECKS_AT_ONCE)
            use_cases = _use_cases(
                settings, units, passwords=passwords, check=check, entrance=entrance, clock=clock, hear=hear
            )
            forgetting = Forgetting(units, clients, clock)
            privacy = PrivacyUseCases(
                export_data=ExportData(units, {"identity": OwnData(engine), **clients}, clock),
                erase_me=EraseMe(
                    units,
                    check,
                    forgetting,
                    clock,
                    hear=hear,
                    entrance=entrance,
                    failures=settings.failure_limits,
                ),
                erase_account=EraseAccount(units, forgetting, hear, clock),
                get_erasure_receipt=GetErasureReceipt(units),
            )
            await hear()
            registered = partial(
                _register,
                use_cases=use_cases,
                privacy=privacy,
                zones=zones,
                list_revocations=list_revocations,
                find_account=FindAccount(units),
            )
            running = await start_server(
                server, settings.listen, [registered], reflection=settings.grpc_reflection
            )
            try:
                async with (
                    repeating(hear, ASK_EVERY_SECONDS),
                    repeating(forget_expired, settings.housekeeping_seconds),
                    repeating(FinishErasures(units, forgetting, clock), settings.erasure_retry_seconds),
                    repeating(WriteHealth(engine, running), EVERY_SECONDS),
                ):
                    yield running
            finally:
                await running.stop(settings.shutdown_grace_seconds)
    finally:
        for channel in channels.values():
            await channel.close()
        await close_async_engine(engine)


def _interceptor(settings: Settings, zones: ZoneHandover, revocations: Revocations) -> CallInterceptor:
    access = Access(
        TokenVerifier(settings.jwks_uri, settings.jwt_issuer, settings.access_lifetime, revocations),
        settings.internal_token(),
        internal=frozenset(
            {
                privacy_servicer.ADMIN_SERVICE,
                account_admin_servicer.ADMIN_SERVICE,
                revocation_servicer.SERVICE,
            }
        ),
        public=servicer.PUBLIC | design.PUBLIC,
        repeatable=servicer.REPEATABLE | design.REPEATABLE | privacy_servicer.REPEATABLE,
    )
    return CallInterceptor(
        access,
        presenters={design.SERVICE: design.present},
        on_admitted=zones,
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
    )


def _register(
    server: grpc.aio.Server,
    *,
    use_cases: UseCases,
    privacy: PrivacyUseCases,
    zones: ZoneHandover,
    list_revocations: ListRevocations,
    find_account: FindAccount,
) -> None:
    add_IdentityServiceServicer_to_server(servicer.IdentityServicer(use_cases, zones), server)
    add_PrivacyServiceServicer_to_server(PrivacyServicer(privacy), server)
    add_PrivacyAdminServiceServicer_to_server(PrivacyAdminServicer(privacy), server)
    add_AccountAdminServiceServicer_to_server(AccountAdminServicer(find_account), server)
    add_RevocationServiceServicer_to_server(RevocationServicer(list_revocations), server)
    add_DesignUsersServiceServicer_to_server(design.DesignUsersServicer(use_cases, zones), server)


def _use_cases(
    settings: Settings,
    units: UnitOfWorkFactory,
    *,
    passwords: Passwords,
    check: CredentialCheck,
    entrance: Entrance,
    hear: Hear,
    clock: Clock,
) -> UseCases:
    key = keys.read_signing_key(settings.signing_key_file)
    jwk = keys.public_jwk(key.public_key())
    published = keys.read_jwks(settings.jwks_file)
    if jwk["kid"] not in {known.get("kid") for known in published}:
        raise ValueError(f"the signing key is not in {settings.jwks_file}: nobody could verify its tokens")
    access_tokens = SignedAccessTokens(
        key, jwk["kid"], issuer=settings.jwt_issuer, lifetime=settings.access_lifetime
    )
    seal = RequestSeal(_seal_key(key))
    rules = PasswordRules(read_common_passwords())
    return UseCases(
        sign_up=SignUp(
            units,
            passwords,
            seal,
            clock,
            entrance=_entrance(settings, "sign-ups", at_once=_SIGN_UPS_AT_ONCE),
            per_address=AddressLimit(units, settings.sign_ups_per_address, clock),
            rules=rules,
        ),
        log_in=LogIn(
            units,
            check,
            access_tokens,
            clock,
            entrance=entrance,
            per_address=AddressLimit(units, settings.log_ins_per_address, clock),
            failures=settings.failure_limits,
            refresh_lifetime=settings.refresh_lifetime,
        ),
        refresh_access_token=RefreshAccessToken(units, access_tokens, clock),
        log_out=LogOut(units, hear, clock),
        change_password=ChangePassword(
            units,
            check,
            passwords,
            seal,
            hear,
            clock=clock,
            entrance=entrance,
            failures=settings.failure_limits,
            rules=rules,
        ),
        get_me=GetMe(units),
        get_jwks=GetJwks(keys.jwks_document(published)),
    )


def _entrance(settings: Settings, what: str, *, at_once: int) -> Entrance:
    return Entrance(
        what,
        at_once=at_once,
        waiting=settings.password_calls_waiting,
        waiting_per_subject=settings.password_calls_waiting_per_address,
    )


def _seal_key(key: Ed25519PrivateKey) -> bytes:
    return hmac.digest(key.private_bytes_raw(), b"idempotency record", hashlib.sha256)


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    configure_logging("identity", settings.log_level)
    return_what_is_freed()
    asyncio.run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
