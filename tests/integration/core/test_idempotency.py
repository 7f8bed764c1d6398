"""Idempotency-Key: the same request gets the same answer, once done; another under its key is refused."""

import asyncio

import pytest

from tests.integration.core.test_edge import _key

pytestmark = pytest.mark.feature("M62")


@pytest.fixture
async def ask(client, shell, tenant):
    token = await _key(shell, tenant)

    async def post(path, body, key=None):
        headers = {"authorization": f"Bearer {token}", **({"idempotency-key": key} if key else {})}
        return await client.post(path, json=body, headers=headers)

    return post


def _customer(slug):
    return {"slug": slug, "name": slug.title()}


class TestARepeatedRequest:
    async def test_gets_the_first_answer_and_changes_nothing_more(self, ask):
        first = await ask("/v1/customers", _customer("one"), "k1")
        again = await ask("/v1/customers", _customer("one"), "k1")
        assert first.status_code == 201
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"

    async def test_with_another_body_is_refused_by_name(self, ask):
        await ask("/v1/customers", _customer("one"), "k2")
        other = await ask("/v1/customers", _customer("two"), "k2")
        assert other.status_code == 422
        assert other.json()["errors"][0]["pointer"] == "Idempotency-Key"

    async def test_that_was_refused_may_be_tried_again_under_its_key(self, ask):
        assert (await ask("/v1/customers", {"slug": "NOT A SLUG", "name": "x"}, "k3")).status_code in (400, 422)
        assert (await ask("/v1/customers", _customer("three"), "k3")).status_code == 201

    async def test_sent_eight_times_at_once_is_done_once(self, ask):
        answers = await asyncio.gather(*(ask("/v1/customers", _customer("eight"), "k4") for _ in range(8)))
        assert {a.status_code for a in answers} == {201}
        assert len({a.json()["id"] for a in answers}) == 1

    async def test_whose_answer_showed_a_secret_does_not_show_it_again(self, ask):
        body = {"name": "n", "scope": "partner", "roles": ["analyst"]}
        first = await ask("/v1/keys", body, "k5")
        again = await ask("/v1/keys", body, "k5")
        assert first.status_code == 201
        assert again.status_code == 409
        assert first.text[-40:] not in again.text

    async def test_under_a_key_that_can_not_be_one_is_refused(self, ask):
        assert (await ask("/v1/customers", _customer("x"), "k" * 300)).status_code == 400
