"""What people wish of our mails is respected, but for choices with a deadline."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.commands import send, templates
from app.notifications.commands.preferences import prefer
from app.notifications.models import Notice
from app.notifications.schemas import LinkSpec, NewTemplate, Preferences, Recipient
from tenants.commands.users import create_user
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewUser
from tests.integration.notifications.conftest import CONTENT, CONTEXT
from tests.integration.tenants.conftest import make_customer

ADDRESS = "kim@acme.example"


@pytest.fixture
async def customer(shell: Shell, tenant: UUID) -> UUID:
    return await make_customer(shell, tenant)


@pytest.fixture
async def kim(shell: Shell, tenant: UUID, customer: UUID) -> str:
    maker = Principal(tenant, "system:test", "partner", BUILT_IN["partner_admin"].permissions)
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        await templates.publish(uow, await templates.draft(uow, shell, NewTemplate("news", CONTENT)))
        user = await create_user(uow, NewUser(email=ADDRESS, role="customer_user", customer_id=customer, zone="UTC"), maker=maker)
    return f"user:{user.id}"


async def wish(shell: Shell, tenant: UUID, customer: UUID, kim: str, **wanted: str) -> None:
    async with shell.unit_of_work(tenant, actor=kim, customer=customer) as uow:
        await prefer(uow, Preferences(**wanted))  # type: ignore[arg-type]


async def sent(uow: UnitOfWork, customer: UUID, *links: LinkSpec) -> Notice:
    context = CONTEXT | {"links": {"offer": "x"}}
    return (await send(uow, template="news", to=[Recipient(ADDRESS)], context=context, customer_id=customer, key="news", links=links))[0]


class TestSending:
    async def test_withholds_what_somebody_does_not_want_as_a_mail(self, shell: Shell, tenant: UUID, customer: UUID, kim: str) -> None:
        await wish(shell, tenant, customer, kim, updates="never")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            notice = await sent(uow, customer)
            assert (notice.status, notice.settled_at) == ("withheld", uow.now)

    async def test_sends_a_choice_whatever_somebody_wishes(self, shell: Shell, tenant: UUID, customer: UUID, kim: str) -> None:
        await wish(shell, tenant, customer, kim, updates="never", documents="later", mentions="never")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            link = LinkSpec("offer", "offer", uow.new_id(), datetime.now(UTC) + timedelta(days=1))
            assert (await sent(uow, customer, link)).status == "queued"

    async def test_waits_for_the_end_of_the_quiet_hours(self, shell: Shell, tenant: UUID, customer: UUID, kim: str) -> None:
        now = datetime.now(UTC)
        start, until = now - timedelta(hours=1), now + timedelta(hours=2)
        await wish(shell, tenant, customer, kim, updates="later", quiet_from=f"{start:%H:%M}", quiet_until=f"{until:%H:%M}")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            notice = await sent(uow, customer)
        due = (await shell.boundary.dispatch("select due from core.work where tenant_id = $1 and kind = 'notice'", tenant))[0]["due"]
        assert notice.status == "queued" and due == until.replace(second=0, microsecond=0)

    async def test_asks_nobody_whose_address_belongs_to_another_customer(
        self, shell: Shell, tenant: UUID, customer: UUID, kim: str
    ) -> None:
        await wish(shell, tenant, customer, kim, updates="never")
        other = await make_customer(shell, tenant, "boreal")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            assert (await sent(uow, other)).status == "queued"
