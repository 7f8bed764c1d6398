"""Documents: required once, uploaded as they come, refused by field or verified; the gate's facts follow."""

import json

import pytest
from sqlalchemy import select

from app.canonical import documents, queries
from app.canonical.documents import DocumentAboutNothing, DocumentAlreadyVerified, DocumentTooLarge, NothingUploaded, UnknownDocumentKind
from app.canonical.forms import UnknownForm
from app.canonical.models import Document, DocumentContent
from app.core.errors import NotFound
from app.core.models import EventRow
from tests.integration.canonical.test_record import order

GOOD = {"order_number": "ORD-7731", "certificate_number": "CC-2026-118", "valid_until": "2099-06-30", "un_number": "UN1993"}


def form(**changes) -> bytes:
    return json.dumps(GOOD | changes).encode()


@pytest.fixture
async def required(shell, tenant, customer, tell):
    (told,) = await tell(order(regulated=True, un_number="UN1993"))
    async with shell.unit_of_work(tenant, actor="run:1") as uow:
        row = await documents.require(uow, kind="compliance_certificate", customer_id=customer, order_id=told.order_id)
        return row.id, told.order_id


async def upload(shell, tenant, document_id, content: bytes, **scope) -> tuple[str, list[str]]:
    async with shell.unit_of_work(tenant, actor="user:kim", **scope) as uow:
        row = await documents.upload(uow, document_id, content, name="../../certificate.json")
        return row.status, [finding["pointer"] for finding in row.findings]


async def events(shell, tenant, document_id) -> list[EventRow]:
    async with shell.read(tenant) as uow:
        rows = (await uow.execute(select(EventRow).where(EventRow.key == f"document:{document_id}").order_by(EventRow.id))).scalars().all()
        uow.session.expunge_all()
        return rows


class TestRequire:
    @pytest.mark.feature("M31")
    async def test_the_same_again_gives_the_same_document_and_says_it_once(self, shell, tenant, customer, required):
        document_id, order_id = required
        async with shell.unit_of_work(tenant, actor="run:2") as uow:
            again = await documents.require(uow, kind="compliance_certificate", customer_id=customer, order_id=order_id)
            assert again.id == document_id
        assert [event.type for event in await events(shell, tenant, document_id)] == ["document.required"]

    async def test_refuses_kinds_and_subjects_that_are_not_there_or_somebody_elses(self, shell, tenant, customer, other_customer, required):
        _, order_id = required
        async with shell.unit_of_work(tenant, actor="run:1") as uow:
            with pytest.raises(UnknownDocumentKind):
                await documents.require(uow, kind="poem", customer_id=customer, order_id=order_id)
            with pytest.raises(DocumentAboutNothing):
                await documents.require(uow, kind="compliance_certificate", customer_id=customer)
            with pytest.raises(DocumentAboutNothing):
                await documents.require(uow, kind="compliance_certificate", customer_id=other_customer, order_id=order_id)
            with pytest.raises(NotFound):
                await documents.require(uow, kind="compliance_certificate", customer_id=customer, order_id=uow.new_id())


class TestUpload:
    @pytest.mark.feature("M31", "M93")
    async def test_a_wrong_one_is_refused_naming_the_field_and_a_right_one_verified(self, shell, tenant, customer, required):
        document_id, order_id = required
        assert await upload(shell, tenant, document_id, form(order_number="ORD-9999")) == ("refused", ["/order_number"])
        assert await upload(shell, tenant, document_id, form(), customer=customer) == ("verified", [])
        told = await events(shell, tenant, document_id)
        assert [event.type for event in told] == [
            "document.required", "document.uploaded", "document.refused", "document.uploaded", "document.verified",
        ]  # fmt: skip
        assert told[2].envelope["data"]["findings"][0]["detail"] == "Order number is ORD-9999, expected ORD-7731."
        async with shell.read(tenant) as uow:
            facts = await queries.facts(uow, customer_id=customer, subjects={"order": order_id}, now=uow.now)
        assert facts["document.verified"].value == ["compliance_certificate"] and facts["document.missing"].value == []

    @pytest.mark.feature("M31")
    async def test_keeps_every_upload_as_it_came_under_a_harmless_name(self, shell, tenant, required):
        document_id, _ = required
        await upload(shell, tenant, document_id, form(valid_until="2020-01-01"))
        await upload(shell, tenant, document_id, form(certificate_number=""))
        async with shell.read(tenant) as uow:
            rows = (await uow.execute(select(DocumentContent).order_by(DocumentContent.id))).scalars().all()
            assert [row.name for row in rows] == ["certificate.json", "certificate.json"]
            assert await documents.content_of(uow, rows[0].id) == form(valid_until="2020-01-01")

    async def test_pictures_monsters_and_second_thoughts_are_refused_before_anything_is_kept(self, shell, tenant, required):
        document_id, _ = required
        with pytest.raises(UnknownForm):
            await upload(shell, tenant, document_id, b"\x89PNG\r\n\x1a\n\xff")
        with pytest.raises(DocumentTooLarge):
            await upload(shell, tenant, document_id, b"x" * (25 * 1024 * 1024 + 1))
        await upload(shell, tenant, document_id, form())
        with pytest.raises(DocumentAlreadyVerified):
            await upload(shell, tenant, document_id, form())
        async with shell.read(tenant) as uow:
            assert len((await uow.execute(select(DocumentContent.id))).all()) == 1

    async def test_another_customer_finds_no_document(self, shell, tenant, other_customer, required):
        with pytest.raises(NotFound):
            await upload(shell, tenant, required[0], form(), customer=other_customer)

    async def test_an_unreadable_form_is_refused_with_the_remedy(self, shell, tenant, required):
        status, pointers = await upload(shell, tenant, required[0], b"just some words")
        assert (status, pointers) == ("refused", [""])


class TestVerify:
    async def test_looks_again_with_what_is_known_by_now(self, shell, tenant, required, tell):
        document_id, _ = required
        await upload(shell, tenant, document_id, form(un_number="UN1203"))
        await tell(order(5, un_number="UN1203"))
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            assert (await documents.verify(uow, document_id)).status == "verified"

    async def test_needs_an_upload(self, shell, tenant, required):
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            with pytest.raises(NothingUploaded):
                await documents.verify(uow, required[0])

    @pytest.mark.feature("M31")
    async def test_a_verified_one_stops_counting_when_it_expires(self, shell, tenant, customer, required):
        document_id, order_id = required
        await upload(shell, tenant, document_id, form())
        async with shell.read(tenant) as uow:
            later = uow.now.replace(year=2100)
            facts = await queries.facts(uow, customer_id=customer, subjects={"order": order_id}, now=later)
            assert facts["document.verified"].value == [] and facts["document.missing"].value == ["compliance_certificate"]

    @pytest.mark.feature("M31")
    async def test_an_expired_one_is_required_anew_and_can_be_replaced(self, shell, tenant, customer, required):
        document_id, order_id = required
        await upload(shell, tenant, document_id, form())
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            row = await uow.get(Document, document_id)
            row.valid_until = row.valid_until.replace(year=2020)
            uow.publish("document.aged", of=row)
        async with shell.unit_of_work(tenant, actor="run:2") as uow:
            again = await documents.require(uow, kind="compliance_certificate", customer_id=customer, order_id=order_id)
            assert (again.id, again.status) == (document_id, "required")
        assert await upload(shell, tenant, document_id, form(certificate_number="CC-2")) == ("verified", [])
