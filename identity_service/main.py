"""Wires identity and serves it: `python -m identity_service.main`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
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
from identity_service.adapters.crypto.passwords import Argon2Passwords, read_common_passwords
from identity_service.adapters.db.personal_data import OwnFiles
from identity_service.adapters.db.tables import idempotency
from identity_service.adapters.db.unit_of_work import units_of_work
from identity_service.adapters.grpc import privacy_servicer, revocation_servicer, servicer
from identity_service.adapters.grpc.products.design import errors as design_errors
from identity_service.adapters.grpc.products.design import servicer as design
from identity_service.adapters.privacy.personal_data_client import GrpcPersonalDataClient
from identity_service.application.accounts import ChangePassword, FindAccount, GetMe, RequestSeal, SignUp
from identity_service.application.admission import AddressLimit, AdmissionGate
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.erasures import (
    EraseAccount,
    EraseMe,
    ErasureSaga,
    FinishErasures,
    GetErasureReceipt,
)
from identity_service.application.export_data import ExportData
from identity_service.application.housekeeping import DeleteExpired
from identity_service.application.ports.crypto import Passwords
from identity_service.application.ports.erasures import PersonalFiles
from identity_service.application.ports.unit_of_work import Clock, RefreshRevocations, UnitOfWorkFactory
from identity_service.application.tokens import (
    GetJwks,
    ListRevocations,
    LogIn,
    LogOut,
    RefreshAccessToken,
)
from identity_service.domain.passwords import PasswordRules
from identity_service.settings import Settings
from service_kit.db.engines import close_async_engine, open_async_engine, single_statements
from service_kit.db.idempotency import IdempotencyHousekeeping
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server
from service_kit.logging import configure_logging
from service_kit.periodic import repeating
from service_kit.process import return_what_is_freed, run, stop_requested
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


@dataclass(frozen=True, slots=True)
class _Parts:
    """What several use cases are made of."""

    settings: Settings
    units: UnitOfWorkFactory
    clock: Clock
    refresh_revocations: RefreshRevocations
    passwords: Passwords
    check: CredentialCheck
    gate: AdmissionGate
    saga: ErasureSaga


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
    list_revocations = ListRevocations(
        units_of_work(single_statements(engine)), clock, settings.access_lifetime
    )
    refresh_revocations = RevocationPoller(revocations, list_revocations)
    server = build_server(_interceptor(settings, zones, revocations))
    try:
        with closing(Argon2Passwords(settings.password_memory_kib)) as passwords:
            parts = _Parts(
                settings=settings,
                units=units,
                clock=clock,
                refresh_revocations=refresh_revocations,
                passwords=passwords,
                check=CredentialCheck(units, passwords, clock),
                gate=_gate(settings, "log-ins", at_once=_CHECKS_AT_ONCE),
                saga=ErasureSaga(units, clients, clock),
            )
            accounts = _accounts(parts)
            privacy = _privacy(parts, {"identity": OwnFiles(engine), **clients})
            await refresh_revocations()
            registered = partial(
                _register, accounts=accounts, privacy=privacy, zones=zones, list_revocations=list_revocations
            )
            running = await start_server(
                server, settings.listen, [registered], reflection=settings.grpc_reflection
            )
            try:
                async with (
                    repeating(refresh_revocations, ASK_EVERY_SECONDS),
                    repeating(DeleteExpired(units, clock), settings.housekeeping_seconds),
                    repeating(IdempotencyHousekeeping(engine, idempotency), settings.housekeeping_seconds),
                    repeating(FinishErasures(units, parts.saga, clock), settings.erasure_retry_seconds),
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
                servicer.ADMIN_SERVICE,
                revocation_servicer.SERVICE,
            }
        ),
        public=servicer.PUBLIC | design.PUBLIC,
        repeatable=servicer.REPEATABLE | design.REPEATABLE | privacy_servicer.REPEATABLE,
    )
    return CallInterceptor(
        access,
        presenters={design.SERVICE: design_errors.present},
        on_admitted=zones,
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
    )


def _register(
    server: grpc.aio.Server,
    *,
    accounts: servicer.UseCases,
    privacy: privacy_servicer.UseCases,
    zones: ZoneHandover,
    list_revocations: ListRevocations,
) -> None:
    add_IdentityServiceServicer_to_server(servicer.IdentityServicer(accounts, zones), server)
    add_AccountAdminServiceServicer_to_server(servicer.AccountAdminServicer(accounts), server)
    add_PrivacyServiceServicer_to_server(privacy_servicer.PrivacyServicer(privacy), server)
    add_PrivacyAdminServiceServicer_to_server(privacy_servicer.PrivacyAdminServicer(privacy), server)
    add_RevocationServiceServicer_to_server(revocation_servicer.RevocationServicer(list_revocations), server)
    add_DesignUsersServiceServicer_to_server(design.DesignUsersServicer(accounts, zones), server)


def _privacy(parts: _Parts, files: Mapping[str, PersonalFiles]) -> privacy_servicer.UseCases:
    return privacy_servicer.UseCases(
        export_data=ExportData(parts.units, files, parts.clock),
        erase_me=EraseMe(
            parts.units,
            parts.check,
            parts.saga,
            parts.clock,
            refresh_revocations=parts.refresh_revocations,
            gate=parts.gate,
            failures=parts.settings.failure_limits,
        ),
        erase_account=EraseAccount(parts.units, parts.saga, parts.refresh_revocations, parts.clock),
        get_erasure_receipt=GetErasureReceipt(parts.units),
    )


def _accounts(parts: _Parts) -> servicer.UseCases:
    settings, units, clock = parts.settings, parts.units, parts.clock
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
    return servicer.UseCases(
        sign_up=SignUp(
            units,
            parts.passwords,
            seal,
            clock,
            gate=_gate(settings, "sign-ups", at_once=_SIGN_UPS_AT_ONCE),
            per_address=AddressLimit(units, settings.sign_ups_per_address, clock),
            rules=rules,
        ),
        log_in=LogIn(
            units,
            parts.check,
            access_tokens,
            clock,
            gate=parts.gate,
            per_address=AddressLimit(units, settings.log_ins_per_address, clock),
            failures=settings.failure_limits,
            refresh_lifetime=settings.refresh_lifetime,
        ),
        refresh_access_token=RefreshAccessToken(units, access_tokens, clock),
        log_out=LogOut(units, parts.refresh_revocations, clock),
        change_password=ChangePassword(
            units,
            parts.check,
            parts.passwords,
            seal,
            parts.refresh_revocations,
            clock=clock,
            gate=parts.gate,
            failures=settings.failure_limits,
            rules=rules,
        ),
        get_me=GetMe(units),
        get_jwks=GetJwks(keys.jwks_document(published)),
        find_account=FindAccount(units),
    )


def _gate(settings: Settings, what: str, *, at_once: int) -> AdmissionGate:
    return AdmissionGate(
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
    run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
