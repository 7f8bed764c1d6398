"""The directory of sources: asked once however many wait, kept five seconds, dropped at once where a source changed."""

import asyncio
from uuid import UUID

import pytest

from app.ingest.directory import Directory
from app.ingest.queries import SourceNotFound, SourceUnclear
from app.ingest.schemas import SourceView
from tests.integration.ingest.desk import SECRET, Desk

pytestmark = pytest.mark.feature("M11")


class TestDirectory:
    @pytest.fixture
    def asked(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
        """Every read transaction that is opened."""
        opened: list[UUID] = []
        read = desk.shell.read
        monkeypatch.setattr(desk.shell, "read", lambda tenant, **more: (opened.append(tenant), read(tenant, **more))[1])
        return opened

    async def test_asks_once_for_a_thousand_who_wait(self, desk: Desk, asked: list[UUID]) -> None:
        directory = Directory()
        found = await asyncio.gather(*(directory.named(desk.shell, desk.tenant, "wms") for _ in range(1000)))
        assert len(asked) == 1
        assert {known.secrets for known in found} == {(SECRET.encode(),)}

    async def test_asks_again_after_five_seconds_and_after_a_change(self, desk: Desk, asked: list[UUID]) -> None:
        now = [0.0]
        directory = Directory(timer=lambda: now[0])
        for at, reads in ((0.0, 1), (4.9, 1), (5.1, 2)):
            now[0] = at
            await directory.named(desk.shell, desk.tenant, "wms")
            assert len(asked) == reads
        directory.forget(desk.tenant, "wms")
        await directory.named(desk.shell, desk.tenant, "wms")
        assert len(asked) == 3

    async def test_keeps_secrets_out_of_what_may_be_logged(self, desk: Desk) -> None:
        assert SECRET not in repr(await Directory().named(desk.shell, desk.tenant, "wms"))

    async def test_knows_no_source_of_another_tenant(self, desk: Desk, other_tenant: UUID) -> None:
        with pytest.raises(SourceNotFound):
            await Directory().named(desk.shell, other_tenant, "wms")

    async def test_takes_the_only_source_of_a_kind_and_never_guesses_between_two(self, desk: Desk) -> None:
        assert (await Directory().only(desk.shell, desk.tenant, "x12")).name == "edi"
        await desk.post("/v1/sources", json={"name": "second", "kind": "x12"})
        with pytest.raises(SourceUnclear):
            await Directory().only(desk.shell, desk.tenant, "x12")


class TestSources:
    async def test_are_made_once_under_a_name(self, desk: Desk) -> None:
        made = await desk.post(
            "/v1/sources",
            json={"name": "second", "kind": "webhook", "verify": {"scheme": "standard_webhooks", "secret": {"secret": SECRET}}},
        )
        again = await desk.post("/v1/sources", json={"name": "second", "kind": "webhook"})
        assert (made.status_code, again.status_code) == (201, 409)
        assert made.json()["path"].startswith("/v1/in/in_")
        assert (await desk.get(f"/v1/sources/{made.json()['id']}")).json() == made.json()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"kind": "fax"}, "/kind"),
            ({"zone": "Mars/Base"}, "/zone"),
            ({"kind": "x12", "verify": {"scheme": "hmac_sha256", "header": "X-S", "secret": {"secret": "0123456789abcdef"}}}, "/verify"),
            ({"verify": {"scheme": "hmac_sha256", "secret": {"secret": "0123456789abcdef"}}}, "/verify/header"),
            ({"verify": {"scheme": "standard_webhooks", "secret": {"secret": "whsec_AAAA"}}}, "/secret"),
            ({"verify": {"scheme": "standard_webhooks"}}, "/verify/secret"),
        ],
    )
    async def test_that_cannot_work_are_refused_by_field(self, desk: Desk, change: dict[str, object], pointer: str) -> None:
        answer = await desk.post("/v1/sources", json={"name": "second", "kind": "webhook", **change})
        assert answer.status_code in (400, 422)
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]

    async def test_show_no_public_address_where_only_a_key_proves_the_sender(self, desk: Desk) -> None:
        made = await desk.post("/v1/sources", json={"name": "second", "kind": "webhook", "verify": {"scheme": "key"}})
        assert made.json()["path"] is None
        assert set(made.json()) == set(SourceView.__struct_fields__)

    async def test_of_a_customer_nobody_has_are_not_found(self, desk: Desk) -> None:
        body = {"name": "second", "kind": "x12", "customer_id": "01900000-0000-7000-8000-000000000000"}
        assert (await desk.post("/v1/sources", json=body)).status_code == 404
