"""The provider is what its tests take it for: PKCE asked for, claims given, keys that change, people who refuse."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.openid.provider import OpenIdProvider, openid_provider

CALLBACK = "http://northwind.localhost:8080/sign-in/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def issuer() -> Iterator[OpenIdProvider]:
    with openid_provider() as started:
        started.accept(CALLBACK)
        yield started


def _authorize(issuer: OpenIdProvider, **changed: str) -> dict[str, list[str]]:
    asked = {
        "client_id": issuer.client_id, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid email profile groups", "state": "s", "nonce": "n",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    return parse_qs(urlsplit(issuer.visit(f"{issuer.issuer}/auth?{urlencode({**asked, **changed})}")).query)


def _tokens(issuer: OpenIdProvider, code: str, verifier: str = VERIFIER) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    return httpx.post(f"{issuer.issuer}/token", data=form, auth=(issuer.client_id, issuer.client_secret))


def _claims(issuer: OpenIdProvider, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(httpx.get(f"{issuer.issuer}/jwks").json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


class TestTheProvider:
    def test_signs_in_whom_it_was_told(self, issuer: OpenIdProvider) -> None:
        issuer.sign_in_as("u-1", email="ida@northwind.example", email_verified=True, name="Ida", groups=["operators"])
        back = _authorize(issuer)
        claims = _claims(issuer, _tokens(issuer, back["code"][0]).json()["id_token"])
        assert (claims["sub"], claims["email"], claims["groups"], claims["nonce"], claims["iss"]) == (
            "u-1", "ida@northwind.example", ["operators"], "n", issuer.issuer
        )  # fmt: skip
        assert back["state"] == ["s"]

    def test_gives_a_code_to_nobody_without_its_verifier(self, issuer: OpenIdProvider) -> None:
        issuer.sign_in_as("u-1")
        assert _tokens(issuer, _authorize(issuer)["code"][0], "w" * 64).status_code == 400

    def test_demands_a_challenge(self, issuer: OpenIdProvider) -> None:
        assert _authorize(issuer, code_challenge="", code_challenge_method="")["error"] == ["invalid_request"]

    def test_brings_back_a_refusal(self, issuer: OpenIdProvider) -> None:
        issuer.deny()
        assert _authorize(issuer)["error"] == ["access_denied"]

    def test_signs_with_a_new_key_after_a_rotation(self, issuer: OpenIdProvider) -> None:
        issuer.sign_in_as("u-2")
        before = issuer.keys()
        issuer.rotate()
        assert not set(before) & set(issuer.keys())
        assert _claims(issuer, _tokens(issuer, _authorize(issuer)["code"][0]).json()["id_token"])["sub"] == "u-2"

    def test_is_another_issuer_beside_itself(self, issuer: OpenIdProvider) -> None:
        with openid_provider() as other:
            assert other.issuer != issuer.issuer
            assert not set(other.keys()) & set(issuer.keys())
