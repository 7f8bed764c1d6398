"""An id token is believed only when everything about it holds; each test bends one thing."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tenants.oidc.faults import TokenRefused
from tenants.oidc.tokens import Expected, KeyUnknown, person_of, verified

pytestmark = pytest.mark.feature("M193")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ISSUER = "https://login.example.com"
RSA = RSAKey.generate_key(2048, parameters={"kid": "a", "use": "sig", "alg": "RS256"})
KEYS = KeySet.import_key_set({"keys": [RSA.as_dict(private=False)]})
EXPECTED = Expected(ISSUER, "portal", "n-1", frozenset({"RS256", "ES256"}), "at-1")


def claims(**bent: Any) -> dict[str, Any]:
    good = {"iss": ISSUER, "sub": "u-1", "aud": "portal", "exp": at(300), "iat": at(0), "nonce": "n-1", "email": "ida@northwind.example"}
    return {name: value for name, value in {**good, **bent}.items() if value is not None}


def at(seconds: int) -> int:
    return int((NOW + timedelta(seconds=seconds)).timestamp())


def token(key: Any = RSA, *, kid: str | None = "a", alg: str = "RS256", **bent: Any) -> str:
    return jwt.encode({"alg": alg, **({"kid": kid} if kid else {})}, claims(**bent), key, algorithms=[alg])


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def refusal(text: str, keys: KeySet = KEYS) -> str:
    with pytest.raises(TokenRefused) as refused:
        verified(text, keys, EXPECTED, now=NOW)
    return refused.value.reason


class TestAGoodToken:
    def test_is_believed(self) -> None:
        assert verified(token(), KEYS, EXPECTED, now=NOW)["sub"] == "u-1"

    def test_may_name_several_audiences_when_it_says_that_we_asked(self) -> None:
        assert verified(token(aud=["portal", "other"], azp="portal"), KEYS, EXPECTED, now=NOW)

    def test_may_be_a_minute_off(self) -> None:
        assert verified(token(exp=at(-30), iat=at(30)), KEYS, EXPECTED, now=NOW)

    def test_needs_no_key_id_where_there_is_one_key(self) -> None:
        assert verified(token(kid=None), KEYS, EXPECTED, now=NOW)


class TestABentToken:
    @pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "nonce"])
    def test_without_a_mandatory_claim_is_refused(self, name: str) -> None:
        assert name in refusal(token(**{name: None}))

    @pytest.mark.parametrize(
        ("bent", "reason"),
        [
            ({"iss": "https://login.example.com/"}, "iss"),
            ({"iss": "https://evil.example"}, "iss"),
            ({"aud": "another"}, "aud"),
            ({"aud": []}, "aud"),
            ({"aud": ["portal", "other"]}, "azp"),
            ({"aud": ["portal", "other"], "azp": "other"}, "azp"),
            ({"azp": "other"}, "azp"),
            ({"nonce": "n-2"}, "nonce"),
            ({"exp": -61}, "expired"),
            ({"exp": "soon"}, "exp"),
            ({"iat": 120}, "iat"),
            ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
            ({"sub": "x" * 256}, "sub"),
            ({"sub": 7}, "sub"),
        ],
        ids=str,
    )
    def test_is_refused_by_name(self, bent: dict[str, Any], reason: str) -> None:
        bent = {n: at(v) if n in ("exp", "iat") and isinstance(v, int) else v for n, v in bent.items()}
        assert refusal(token(**bent)) == reason

    def test_signed_by_somebody_else_is_refused(self) -> None:
        assert refusal(token(RSAKey.generate_key(2048))) == "signature"

    def test_with_an_altered_payload_is_refused(self) -> None:
        head, _, tail = token().split(".")
        assert refusal(".".join([head, token(sub="u-2").split(".")[1], tail])) == "signature"

    def test_that_is_signed_by_nobody_is_refused(self) -> None:
        body = token().split(".")[1]
        head = encoded(b'{"alg":"none"}')
        assert refusal(f"{head}.{body}.") in ("algorithm", "malformed")

    def test_signed_with_a_shared_secret_is_refused(self) -> None:
        """The classic: the public key's text as an HMAC key."""
        head, body = encoded(b'{"alg":"HS256","kid":"a"}'), token().split(".")[1]
        signed = f"{head}.{body}"
        proof = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
        assert refusal(f"{signed}.{encoded(proof)}") == "algorithm"

    def test_of_an_algorithm_the_provider_does_not_use_is_refused(self) -> None:
        bare = RSAKey.import_key({n: v for n, v in RSA.as_dict(private=True).items() if n not in ("alg", "use", "key_ops")})
        assert refusal(token(bare, alg="RS512")) == "algorithm"

    def test_of_another_kind_of_key_is_refused(self) -> None:
        key = ECKey.generate_key("P-256", parameters={"kid": "a"})
        assert refusal(token(key, alg="ES256")) == "signature"

    @pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "x" * 20_000, "é.é.é"])
    def test_that_is_no_token_is_refused(self, text: str) -> None:
        assert refusal(text) == "malformed"

    def test_of_an_unknown_key_asks_for_newer_keys(self) -> None:
        with pytest.raises(KeyUnknown):
            verified(token(kid="b"), KEYS, EXPECTED, now=NOW)


class TestThePerson:
    def test_is_read_from_the_claim_the_provider_uses(self) -> None:
        person = person_of({"sub": "u", "upn": " Ida@Northwind.example ", "email": "x@y.example"}, email_claim="upn")
        assert (person.email, person.is_email_verified) == ("ida@northwind.example", False)

    @pytest.mark.parametrize(
        ("told", "is_checked"), [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False)]
    )
    def test_counts_an_address_as_checked_only_when_told_so(self, told: object, is_checked: bool) -> None:
        assert person_of({"sub": "u", "email": "a@b.example", "email_verified": told}, email_claim="email").is_email_verified is is_checked

    def test_has_no_name_that_could_not_be_shown(self) -> None:
        assert person_of({"sub": "u", "name": "Ida\u202e\n"}, email_claim="email").name == ""
