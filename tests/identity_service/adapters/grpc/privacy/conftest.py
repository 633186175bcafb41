"""Identity among three services with data of people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from practice.identity.v1 import identity_service_pb2_grpc as identity_rpc
from practice.identity.v1 import privacy_service_pb2_grpc as rpc

from service_kit.grpc.channels import INTERNAL_KEY
from tests.identity_service.adapters.grpc.privacy.clients import OTHERS, PersonalDataServices
from tests.identity_service.adapters.grpc.privacy.personal_data_services import (
    FakePersonalDataService,
    serving_personal_data,
)
from tests.identity_service.conftest import Connect


@pytest.fixture
async def others_at(internal_token: str) -> AsyncIterator[dict[str, tuple[FakePersonalDataService, str]]]:
    async with AsyncExitStack() as running:
        yield {
            name: await running.enter_async_context(serving_personal_data(name, internal_token))
            for name in OTHERS
        }


@pytest.fixture
def others(others_at: dict[str, tuple[FakePersonalDataService, str]]) -> PersonalDataServices:
    """The other services by name."""
    return {name: other for name, (other, _) in others_at.items()}


@pytest.fixture
def identity_settings(
    identity_settings: dict[str, Any], others_at: dict[str, tuple[FakePersonalDataService, str]]
) -> dict[str, Any]:
    addresses = {f"{name}_address": address for name, (_, address) in others_at.items()}
    # Whoever means it to, finishes erasures.
    return {**identity_settings, **addresses, "erasure_retry_seconds": 3600}


@pytest.fixture
async def channel(connect: Connect) -> AsyncIterator[grpc.aio.Channel]:
    async with connect() as channel:
        yield channel


@pytest.fixture
def identity(channel: grpc.aio.Channel) -> identity_rpc.IdentityServiceAsyncStub:
    return identity_rpc.IdentityServiceStub(channel)


@pytest.fixture
def privacy(channel: grpc.aio.Channel) -> rpc.PrivacyServiceAsyncStub:
    return rpc.PrivacyServiceStub(channel)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.PrivacyAdminServiceAsyncStub:
    return rpc.PrivacyAdminServiceStub(channel)


@pytest.fixture
def internal(internal_token: str) -> tuple[tuple[str, str], ...]:
    return ((INTERNAL_KEY, internal_token),)
