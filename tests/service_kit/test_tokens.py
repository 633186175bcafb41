"""Which access tokens a service accepts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity_service import keys
from service_kit.errors import UnauthenticatedError, UnavailableError
from service_kit.tokens import CLOCK_SKEW_SECONDS, REMEMBERED_SECONDS, TokenVerifier
from tests.tokens import ISSUER, TestTokens


@pytest.fixture
def verifier(tokens: TestTokens) -> TokenVerifier:
    return TokenVerifier(tokens.jwks_uri, ISSUER)


def now() -> int:
    return int(time.time())


async def refused(verifier: TokenVerifier, token: str) -> bool:
    """Tells whether a token is refused, also the second time."""
    for _ in range(2):
        with pytest.raises(UnauthenticatedError) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "TOKEN_INVALID"
        assert token not in raised.value.message or not token
    return True


async def test_a_good_token_names_its_account(verifier: TokenVerifier, tokens: TestTokens) -> None:
    token = tokens.issue(7, "ana@example.com", exp=now() + 60)

    identity = await verifier.verify(token)

    assert (identity.user_id, identity.email, identity.signed_up_at) == (7, "ana@example.com", None)
    assert await verifier.verify(token) is identity


async def test_a_token_may_say_when_its_account_was_made(verifier: TokenVerifier, tokens: TestTokens) -> None:
    identity = await verifier.verify(tokens.issue(7, created_at=1_700_000_000))

    assert identity.signed_up_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


async def test_the_largest_number_an_account_can_have_is_one(
    verifier: TokenVerifier, tokens: TestTokens
) -> None:
    assert (await verifier.verify(tokens.issue(2**63 - 1))).user_id == 2**63 - 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": "ana"},
        {"sub": ""},
        {"sub": "0"},
        {"sub": "-7"},
        {"sub": "+7"},
        {"sub": " 7"},
        {"sub": "7_0"},
        {"sub": "7.0"},
        {"sub": "\N{ARABIC-INDIC DIGIT SEVEN}"},
        {"sub": "\N{SUPERSCRIPT TWO}"},
        {"sub": str(2**63)},
        {"sub": "9" * 5000},
        {"sub": 7},
        {"sub": ["7"]},
        {"email": 7},
        {"email": ["ana@example.com"]},
        {"created_at": "1700000000"},
        {"created_at": 1.5},
        {"created_at": True},
        {"created_at": -1},
        {"created_at": 10**30},
        {"exp": []},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"iat": {}},
        {"nbf": []},
        {"aud": 7},
        {"jti": 7},
        {"aud": None},
        {"aud": "practice-refresh"},
        {"aud": ["other"]},
        {"iss": None},
        {"iss": "somebody-else"},
        {"iat": 2**40},
        {"nbf": 2**40},
    ],
)
async def test_a_token_with_a_wrong_or_missing_claim_is_refused(
    verifier: TokenVerifier, tokens: TestTokens, claims: dict[str, Any]
) -> None:
    assert await refused(verifier, tokens.issue(7, **claims))


async def test_clocks_may_differ_by_five_seconds_and_no_more(
    verifier: TokenVerifier, tokens: TestTokens
) -> None:
    assert (await verifier.verify(tokens.issue(7, exp=now() - CLOCK_SKEW_SECONDS + 2))).user_id == 7
    assert await refused(verifier, tokens.issue(7, exp=now() - CLOCK_SKEW_SECONDS - 1))


async def test_a_token_that_was_good_is_refused_once_it_expired(
    verifier: TokenVerifier, tokens: TestTokens
) -> None:
    expires = now() - CLOCK_SKEW_SECONDS + 1
    token = tokens.issue(7, exp=expires)
    await verifier.verify(token)

    while time.time() <= expires + CLOCK_SKEW_SECONDS:
        await asyncio.sleep(0.02)

    assert await refused(verifier, token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 5000, "ñ", "eyJhbGciOiJFZERTQSJ9.e30."])
async def test_what_is_no_token_at_all_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert await refused(verifier, token)


@pytest.mark.parametrize("part", ["header", "claims"])
async def test_a_token_nested_deeper_than_a_parser_goes_is_refused(
    verifier: TokenVerifier, tokens: TestTokens, part: str
) -> None:
    depth = 50_000
    nested = f'{{"kid":"{tokens.key_id}","a":{"[" * depth}{"]" * depth}}}'.encode()
    header, claims, signature = tokens.issue(7).split(".")

    parts = (segment(nested), claims) if part == "header" else (header, segment(nested))
    assert await refused(verifier, ".".join((*parts, signature)))


async def test_a_token_without_a_signature_is_refused(verifier: TokenVerifier, tokens: TestTokens) -> None:
    claims = jwt.decode(tokens.issue(7), options={"verify_signature": False})

    assert await refused(verifier, jwt.encode(claims, "", algorithm="none", headers={"kid": tokens.key_id}))


@pytest.mark.parametrize("form", ["raw", "pem", "x"])
async def test_the_public_key_is_no_shared_secret(
    verifier: TokenVerifier, tokens: TestTokens, form: str
) -> None:
    public = tokens.key.public_key()
    secret = {
        "raw": public.public_bytes_raw(),
        "pem": public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "x": keys.public_jwk(public)["x"].encode(),
    }[form]

    # Made by hand: the library refuses to sign with a public key.
    header = {"alg": "HS256", "typ": "JWT", "kid": tokens.key_id}
    claims = jwt.decode(tokens.issue(7), options={"verify_signature": False})
    signed = ".".join(segment(json.dumps(part).encode()) for part in (header, claims))
    signature = segment(hmac.digest(secret, signed.encode(), hashlib.sha256))

    assert await refused(verifier, f"{signed}.{signature}")


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def test_a_token_whose_claims_were_changed_is_refused(
    verifier: TokenVerifier, tokens: TestTokens
) -> None:
    header, _, signature = tokens.issue(7).split(".")
    _, other, _ = tokens.issue(8).split(".")

    assert await refused(verifier, f"{header}.{other}.{signature}")


@pytest.mark.parametrize("kid", [None, "", "another", "known"])
async def test_a_key_that_is_not_published_signs_nothing(
    verifier: TokenVerifier, tokens: TestTokens, kid: str | None
) -> None:
    claims = jwt.decode(tokens.issue(7), options={"verify_signature": False})
    headers = {"kid": tokens.key_id if kid == "known" else kid} if kid is not None else {}
    stranger = Ed25519PrivateKey.generate()

    assert await refused(verifier, jwt.encode(claims, stranger, algorithm="EdDSA", headers=headers))


async def test_a_key_set_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    old = TestTokens(tmp_path)
    verifier = TokenVerifier(old.jwks_uri, ISSUER)
    await verifier.verify(old.issue(1))

    keys.make_keys(tmp_path, rotate=True)

    assert (await verifier.verify(TestTokens(tmp_path).issue(2))).user_id == 2
    assert (await verifier.verify(old.issue(3))).user_id == 3


class Later:
    """The time, and what a test adds to it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


async def test_a_key_that_was_withdrawn_verifies_nothing_after_half_a_minute(tmp_path: Path) -> None:
    old, later = TestTokens(tmp_path), Later()
    verifier = TokenVerifier(old.jwks_uri, ISSUER, clock=later)
    stolen = old.issue(1)
    await verifier.verify(stolen)

    # A new key alone: the other one is taken out.
    shutil.rmtree(tmp_path)
    new = TestTokens(tmp_path)
    later.seconds = REMEMBERED_SECONDS + 1

    assert await refused(verifier, stolen)
    assert await refused(verifier, old.issue(1))
    assert (await verifier.verify(new.issue(1))).user_id == 1


async def test_while_keys_cannot_be_read_tokens_verified_before_stay_good(tmp_path: Path) -> None:
    tokens, later = TestTokens(tmp_path), Later()
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER, clock=later)
    known = tokens.issue(1)
    await verifier.verify(known)
    shutil.rmtree(tmp_path)

    later.seconds = REMEMBERED_SECONDS + 1
    assert (await verifier.verify(known)).user_id == 1
    with pytest.raises(UnavailableError):
        await verifier.verify(tokens.issue(2))
    later.seconds = 3600 + CLOCK_SKEW_SECONDS + 1
    with pytest.raises(UnavailableError):
        await verifier.verify(known)


async def test_a_token_that_is_to_outlive_what_tokens_live_is_refused(tokens: TestTokens) -> None:
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER, timedelta(hours=2))
    now = int(time.time())

    assert (await verifier.verify(tokens.issue(1, exp=now + 2 * 3600))).user_id == 1
    for exp in (now + 2 * 3600 + 3 * CLOCK_SKEW_SECONDS, 253_402_300_799):
        assert await refused(verifier, tokens.issue(1, exp=exp))


async def test_only_tokens_used_of_late_are_remembered(tokens: TestTokens) -> None:
    later = Later()
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER, clock=later)
    for number in range(1, 20):
        await verifier.verify(tokens.issue(number))
    later.seconds = REMEMBERED_SECONDS + 1
    await verifier.verify(tokens.issue(1))

    assert verifier.count() == 1


async def test_keys_that_cannot_be_read_are_no_fault_of_the_token(tmp_path: Path, tokens: TestTokens) -> None:
    jwks = tmp_path / "jwks.json"
    verifier = TokenVerifier(jwks.as_uri(), ISSUER)
    with pytest.raises(UnavailableError):
        await verifier.verify(tokens.issue(1))

    shutil.copy(tokens.directory / keys.JWKS, jwks)

    assert (await verifier.verify(tokens.issue(1))).user_id == 1


@pytest.fixture
def key_server(tokens: TestTokens) -> Iterator[str]:
    document = (tokens.directory / keys.JWKS).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()
        thread.join()


async def test_keys_may_be_fetched_from_an_identity_provider(key_server: str, tokens: TestTokens) -> None:
    verifier = TokenVerifier(key_server, ISSUER)

    first, second = await asyncio.gather(*(verifier.verify(tokens.issue(number)) for number in (1, 2)))

    assert (first.user_id, second.user_id) == (1, 2)
    assert await refused(verifier, tokens.issue(1, aud="other"))


async def test_a_provider_that_does_not_answer_is_no_fault_of_the_token(tokens: TestTokens) -> None:
    with pytest.raises(UnavailableError):
        await TokenVerifier("http://127.0.0.1:1/jwks.json", ISSUER).verify(tokens.issue(1))
