"""A customer sends a document by a link: wrong, then right, without an account."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.canonical import documents
from app.canonical.models import Document, Order
from app.core.ids import new_id
from app.notifications.document_link import DocumentLink
from app.notifications.links import issue
from app.notifications.models import Link
from tests.integration.notifications.conftest import World

pytestmark = pytest.mark.feature("M31")
RIGHT = b"Order number: ORD-7731\nCertificate number: C-4711\nValid until: 2099-12-31\nUN number: UN1993\n"
WRONG = RIGHT.replace(b"ORD-7731", b"ORD-9999")


@pytest.fixture
async def upload(world: World, app: Any) -> tuple[httpx.AsyncClient, str, UUID]:
    """A browser, the path of the link, and the document it is for."""
    case = new_id()
    async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
        order = uow.add(
            Order(
                customer_id=world.customer, number="ORD-7731", number_key="ord-7731", regulated=True, field_times={}, version=1,
                created_at=uow.now, updated_at=uow.now,
            )
        )  # fmt: skip
        uow.publish("order.recorded", of=order)
        await uow.session.flush()
        wanted = await documents.require(uow, kind="compliance_certificate", customer_id=world.customer, order_id=order.id, case_id=case)
        token = await issue(
            uow, kind="document", subject_id=wanted.id, case_id=case, customer_id=world.customer, to="kim@acme.example",
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip
    world.shell.extras["links"] = [DocumentLink()]
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers={"host": world.host})
    return client, f"/l/{token}", wanted.id


class TestDocumentLink:
    async def test_says_what_is_needed(self, upload: tuple[httpx.AsyncClient, str, UUID]) -> None:
        client, path, _ = upload
        page = await client.get(path)
        assert page.status_code == 200
        assert "Compliance certificate" in page.text and "ORD-7731" in page.text and 'type="file"' in page.text

    async def test_refuses_naming_the_field_keeps_the_file_and_stays_good(
        self, world: World, upload: tuple[httpx.AsyncClient, str, UUID]
    ) -> None:
        client, path, wanted = upload
        wrong = await client.post(path, files={"file": ("certificate.txt", WRONG)})
        assert wrong.status_code == 422 and "ORD-9999" in wrong.text and 'role="alert"' in wrong.text
        async with world.shell.read(world.tenant) as uow:
            row = await uow.get(Document, wanted)
            assert row.status == "refused" and row.content_id is not None
            assert (await uow.execute(select(Link.used_at))).scalar_one() is None

    async def test_verifies_the_right_one_and_is_used_up(self, world: World, upload: tuple[httpx.AsyncClient, str, UUID]) -> None:
        client, path, wanted = upload
        await client.post(path, files={"file": ("certificate.txt", WRONG)})
        right = await client.post(path, files={"file": ("certificate.txt", RIGHT)})
        again = await client.post(path, files={"file": ("certificate.txt", RIGHT)})
        assert (right.status_code, again.status_code) == (200, 409)
        async with world.shell.read(world.tenant) as uow:
            row = await uow.get(Document, wanted)
            assert row.status == "verified" and (row.verified_by or "").startswith("link:")

    @pytest.mark.parametrize("files", [{"file": ("x.exe", b"MZ\x90\x00\xff\xfe")}, {"file": ("empty.pdf", b"")}, {"other": ("a.txt", b"")}])
    async def test_refuses_what_is_no_document_with_the_form(
        self, upload: tuple[httpx.AsyncClient, str, UUID], files: dict[str, tuple[str, bytes]]
    ) -> None:
        client, path, _ = upload
        answer = await client.post(path, files=files)
        assert answer.status_code == 422 and 'type="file"' in answer.text and 'role="alert"' in answer.text
