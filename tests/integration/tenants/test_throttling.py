"""Throttling at the gateway: 429 with Retry-After, and a noisy tenant that leaves a quiet one alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.tenants.conftest import make_key

pytestmark = pytest.mark.feature("M55")


@pytest.fixture
async def tight(shell: Shell, patient: None) -> AsyncIterator[None]:
    """Limits small enough to reach: 6 requests a minute a key, 10 a tenant."""
    before = shell.settings
    shell.settings = replace(before, rate_limit_key=6, rate_limit_tenant=10)
    yield
    shell.settings = before


async def ask(client, shell: Shell, tenant: UUID, times: int) -> list:  # type: ignore[no-untyped-def]
    _, key = await make_key(shell, tenant)
    return [await client.get("/v1/session", headers={"authorization": f"Bearer {key.text}"}) for _ in range(times)]


class TestThrottling:
    async def test_refuses_a_key_beyond_its_minute_and_says_when_to_come_back(
        self, client, shell: Shell, tenant: UUID, tight: None
    ) -> None:
        answers = await ask(client, shell, tenant, 8)
        assert [a.status_code for a in answers] == [200] * 6 + [429] * 2
        assert answers[0].headers["ratelimit-policy"] == '"key";q=6;w=60, "tenant";q=10;w=60'
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert answers[-1].headers["content-type"].startswith("application/problem+json")

    async def test_refuses_a_tenant_whose_keys_add_up_and_leaves_another_alone(
        self, client, shell: Shell, tenant: UUID, other_tenant: UUID, tight: None
    ) -> None:
        first, second = await ask(client, shell, tenant, 6), await ask(client, shell, tenant, 6)
        assert [a.status_code for a in first + second] == [200] * 10 + [429] * 2
        assert [a.status_code for a in await ask(client, shell, other_tenant, 6)] == [200] * 6
