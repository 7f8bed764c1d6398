"""Signed webhooks over HTTP: proven, kept, answered at once; retries named, forgeries refused, odd shapes parked."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from app.canonical.models import Order
from app.ingest.commands.sources import create_source
from app.ingest.models import ParkedSignal, Signal
from app.ingest.schemas import NewSource, NewVerification, Secret
from tests.conftest import make_tenant
from tests.integration.ingest.desk import SECRET, Desk, missed

pytestmark = pytest.mark.feature("M11")
OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


class TestSignedWebhook:
    async def test_is_verified_stored_raw_and_mapped_afterwards(self, desk: Desk) -> None:
        answer = await desk.hook(missed())
        assert answer.status_code == 202
        assert await desk.count(Order) == 0
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["mapping"], receipt["mapping_version"]) == ("mapped", "cutoff", 1)
        assert (await desk.get(f"/v1/signals/{receipt['id']}/raw")).content == missed()
        said = await desk.events("signal.accepted")
        assert said[0].actor == "source:wms"
        assert said[0].data["sender_id"] == "msg_1"

    async def test_retried_by_its_sender_is_named_a_duplicate(self, desk: Desk) -> None:
        first = await desk.hook(missed())
        again = await desk.hook(missed(), at=datetime.now(UTC) - timedelta(minutes=2))
        assert again.status_code == 200
        assert again.json() == {**first.json(), "duplicate": True}
        await desk.settle()
        assert len(await desk.events("order.cutoff_missed")) == 1

    async def test_with_a_forged_or_old_signature_is_refused_and_stored_nowhere(self, desk: Desk) -> None:
        forged = await desk.hook(missed(), secret=OTHER)
        old = await desk.hook(missed(), at=datetime.now(UTC) - timedelta(minutes=6))
        assert (forged.status_code, old.status_code) == (401, 401)
        assert forged.json()["type"].endswith("/signature-refused")
        assert old.json()["type"].endswith("/signature-too-old")
        assert await desk.count(Signal) == 0

    async def test_signed_for_one_tenant_is_refused_by_another(self, desk: Desk, shell, client, settle) -> None:  # type: ignore[no-untyped-def]
        theirs = await Desk(shell, await make_tenant(shell), client, settle).furnish()
        async with shell.unit_of_work(theirs.tenant, actor="user:admin") as uow:
            verify = NewVerification(secret=Secret(OTHER))
            source = await create_source(uow, shell, NewSource(name="other", kind="webhook", verify=verify))
        answer = await desk.hook(missed(), path=f"/v1/in/{source.token}")
        assert answer.status_code == 401
        assert await theirs.count(Signal) == 0

    async def test_may_also_carry_the_sources_key_and_still_needs_its_signature(self, desk: Desk) -> None:
        assert (await desk.post("/v1/in/wms", key="wms", content=missed())).status_code == 401
        assert (await desk.post("/v1/in/edi", key="wms", content=missed())).status_code == 404

    async def test_to_an_address_nobody_has_is_not_found(self, desk: Desk) -> None:
        assert (await desk.hook(missed(), path="/v1/in/in_nobody")).status_code == 404
        assert (await desk.hook(missed(), path="/v1/in/wms")).status_code == 404


class TestRotation:
    async def test_accepts_the_old_secret_until_the_overlap_ends(self, desk: Desk) -> None:
        sources = (await desk.get("/v1/sources")).json()
        (wms,) = [s for s in sources if s["name"] == "wms"]
        rotated = await desk.post(f"/v1/sources/{wms['id']}/rotate", json={"secret": OTHER, "overlap_seconds": 3600})
        assert rotated.status_code == 200, rotated.text
        assert (await desk.hook(missed("A"), "m1", secret=SECRET)).status_code == 202
        assert (await desk.hook(missed("B"), "m2", secret=OTHER)).status_code == 202
        ended = await desk.post(f"/v1/sources/{wms['id']}/rotate", json={"secret": SECRET, "overlap_seconds": 0})
        assert ended.status_code == 200
        assert (await desk.hook(missed("C"), "m3", secret=SECRET)).status_code == 202
        assert (await desk.hook(missed("D"), "m4", secret=OTHER)).status_code == 401

    async def test_never_shows_a_secret(self, desk: Desk) -> None:
        listed = (await desk.get("/v1/sources")).text
        assert SECRET not in listed and "sealed" not in listed
        assert all(SECRET not in str(e.data) + str(e.changes) for e in await desk.events())

    async def test_closes_a_disabled_source_at_once(self, desk: Desk) -> None:
        (wms,) = [s for s in (await desk.get("/v1/sources")).json() if s["name"] == "wms"]
        assert (await desk.hook(missed())).status_code == 202
        await desk.post(f"/v1/sources/{wms['id']}/disable")
        assert (await desk.hook(missed("B"), "m2")).status_code == 422


class TestLimits:
    @pytest.mark.feature("M55")
    async def test_hold_for_signed_senders_without_a_key_too(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        taken: list[tuple[object, str]] = []
        limiter = desk.shell.extras["limiter"]

        async def take(*, tenant: object, principal_bucket: str, **_: int) -> object:
            taken.append((tenant, principal_bucket))
            return await limiter.take(tenant=tenant, principal_bucket=principal_bucket, per_key=1, per_tenant=1000)

        monkeypatch.setitem(desk.shell.extras, "limiter", SimpleNamespace(take=take))
        first, second = await desk.hook(missed("A"), "m1"), await desk.hook(missed("B"), "m2")
        assert (first.status_code, second.status_code) == (202, 429)
        assert int(second.headers["retry-after"]) >= 1
        assert taken == [(desk.tenant, "source:wms")] * 2


class TestUnknownShape:
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b'{"greeting": "hello"}', "unmapped"),
            (b"<xml/>", "unreadable"),
            (b"\xff\xfe", "unreadable"),
            (b'{"a": 1, "a": 2}', "unreadable"),
        ],
    )
    async def test_is_parked_with_its_reason_and_never_lost(self, desk: Desk, raw: bytes, reason: str) -> None:
        key = await desk.key("source", "source_key", source="plain")
        async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
            await create_source(uow, desk.shell, NewSource(name="plain", kind="webhook", mapping="cutoff", verify=NewVerification("key")))
        desk.keys["plain"] = key
        answer = await desk.post("/v1/in/plain", key="plain", content=raw)
        assert answer.status_code == 202
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["problems"][0]["reason"]) == ("parked", reason)
        assert receipt["problems"][0]["remedy"]
        assert (await desk.get(f"/v1/signals/{receipt['id']}/raw")).content == raw
        assert await desk.count(ParkedSignal) == 1

    async def test_without_a_body_is_refused(self, desk: Desk) -> None:
        answer = await desk.hook(b"")
        assert answer.status_code == 422
        assert await desk.count(Signal) == 0
