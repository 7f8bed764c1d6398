"""What a provider says of itself is taken at its word only where that can't harm."""

from typing import Any
from uuid import UUID

import pytest

from tenants.oidc.discovery import ALGORITHMS, address_of, is_safe, read
from tenants.oidc.faults import ProviderInvalid
from tenants.oidc.request import authorization_url, proof_of, redirect_uri
from tenants.sign_in import local_path

pytestmark = pytest.mark.feature("M193")
ISSUER = "https://login.example.com"


def document(**bent: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/jwks",
        "userinfo_endpoint": f"{ISSUER}/me", "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
    }  # fmt: skip
    return {name: value for name, value in {**good, **bent}.items() if value is not None}


class TestADescription:
    def test_is_reduced_to_what_is_used(self) -> None:
        described = read(document(authorization_response_iss_parameter_supported=True), issuer=ISSUER, development=False)
        assert described.names_itself and described.origin == ISSUER and described.token_auth_methods == ("client_secret_basic",)

    def test_never_allows_an_algorithm_without_a_key_pair(self) -> None:
        offered = ["none", "HS256", "RS256"]
        assert read(document(id_token_signing_alg_values_supported=offered), issuer=ISSUER, development=False).algorithms == {"RS256"}
        assert not {a for a in ALGORITHMS if a.startswith(("HS", "none"))}

    @pytest.mark.parametrize(
        "bent",
        [
            {"issuer": ISSUER + "/"},
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"authorization_endpoint": "http://login.example.com/auth"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"token_endpoint": None},
            {"token_endpoint": "https://user:pass@login.example.com/token"},
            {"jwks_uri": "file:///etc/passwd"},
            {"id_token_signing_alg_values_supported": ["HS256"]},
            {"response_types_supported": ["id_token"]},
            {"code_challenge_methods_supported": ["plain"]},
        ],
        ids=str,
    )
    def test_that_could_harm_is_refused(self, bent: dict[str, Any]) -> None:
        with pytest.raises(ProviderInvalid):
            read(document(**bent), issuer=ISSUER, development=False)

    @pytest.mark.parametrize("value", [None, [], "text", 7])
    def test_that_is_none_is_refused(self, value: object) -> None:
        with pytest.raises(ProviderInvalid):
            read(value, issuer=ISSUER, development=False)

    def test_leaves_an_unsafe_userinfo_address_out(self) -> None:
        assert read(document(userinfo_endpoint="http://10.0.0.1/"), issuer=ISSUER, development=False).userinfo_endpoint == ""


class TestAnAddress:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:4000", "http://localhost/x", "http://login.localhost:1"])
    def test_of_this_machine_is_for_development_only(self, url: str) -> None:
        assert is_safe(url, development=True) and not is_safe(url, development=False)

    @pytest.mark.parametrize("url", ["http://login.example.com", "https://", "https://a@b.example", "https://b.example/#x", "https://b.example/ x",
                                     "https://b.exämple", "", None, 5, "https://[::1"])  # fmt: skip
    def test_that_is_wrong_is_never_safe(self, url: object) -> None:
        assert not is_safe(url, development=True)

    def test_of_a_description_follows_from_the_issuer(self) -> None:
        assert address_of("https://login.example.com/realms/a/") == "https://login.example.com/realms/a/.well-known/openid-configuration"


class TestTheWayOut:
    def test_gives_every_provider_an_answer_address_of_its_own(self) -> None:
        one, two = UUID(int=1), UUID(int=2)
        assert redirect_uri("https://care.example", one) != redirect_uri("https://care.example", two)

    def test_ties_nonce_and_verifier_to_browser_and_sign_in(self) -> None:
        made = {(proof_of(s, i).nonce, proof_of(s, i).verifier) for s in ("a" * 43, "b" * 43) for i in (UUID(int=1), UUID(int=2))}
        assert len(made) == 4 and all(len(verifier) == 43 for _, verifier in made)

    def test_keeps_a_query_the_provider_has_already(self) -> None:
        described = read(document(authorization_endpoint=f"{ISSUER}/auth?realm=a"), issuer=ISSUER, development=False)
        url = authorization_url(
            described, client_id="c", redirect="https://x/cb", scopes=["openid"], state="s", proof=proof_of("a" * 43, UUID(int=1))
        )
        assert url.startswith(f"{ISSUER}/auth?realm=a&") and "code_challenge_method=S256" in url


class TestTheWayOn:
    @pytest.mark.parametrize("path", ["/", "/cases", "/cases?status=open&q=a%20b#top", "/settings/sessions"])
    def test_leads_to_a_page_of_this_host(self, path: str) -> None:
        assert local_path(path) == path

    @pytest.mark.parametrize(
        "path",
        ["", "cases", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/sign-in", "/sign-out", "/" + "a" * 3000],
    )
    def test_leads_nowhere_else(self, path: str) -> None:
        assert local_path(path) == ""
