"""Mail to a real server: who gets what, what is written down before and after, and what every kind of failure leaves behind."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.models import EventRow
from app.notifications.commands.send import NoticeUnsendable
from app.notifications.models import Link
from app.notifications.schemas import LinkSpec, Recipient
from tests.integration.notifications.conftest import StrictGate, World

pytestmark = [pytest.mark.feature("M5"), pytest.mark.feature("M63")]
SOON = datetime.now(UTC) + timedelta(hours=4)


def offer() -> LinkSpec:
    return LinkSpec("offer", "offer", new_id(), SOON)


async def said(world: World, key: str) -> list[EventRow]:
    async with world.shell.read(world.tenant) as uow:
        return list((await uow.execute(select(EventRow).where(EventRow.key == key).order_by(EventRow.id))).scalars())


class TestDelivery:
    async def test_brings_a_branded_letter_and_says_so(self, world: World) -> None:
        (queued,) = await world.send(links=[offer()])
        assert queued.status == "queued" and not world.mailbox.letters
        await world.settle()
        (mail,) = world.mailbox.mails()
        assert mail["From"] == "Northwind <care@northwind.example>"
        assert mail["Subject"] == "Order ORD-7731 is late"
        text, html = (part.get_content() for part in mail.iter_parts())  # type: ignore[attr-defined]
        assert re.search(rf"http://{world.host}/l/[A-Za-z0-9_-]{{43}}", text)
        assert "18:00" in text or "6:00" in text
        assert 'style="' in html and "#0B5FFF" in html
        notice = await world.notice(queued.id)
        assert (notice.status, notice.attempts) == ("delivered", 1)
        assert [e.type for e in await said(world, f"notice:{queued.id}")] == ["notice.queued", "notice.attempted", "notice.delivered"]

    async def test_leaves_no_trace_of_the_maker_on_the_wire(self, world: World) -> None:
        await world.send(links=[offer()])
        await world.settle()
        assert "detour" not in str(world.mailbox.letters).lower()
        assert world.mailbox.greetings == ["northwind.example"]

    async def test_keeps_what_was_said_but_never_a_token(self, world: World) -> None:
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        token = re.search(rb"/l/([A-Za-z0-9_=\r\n-]{43,50})", world.mailbox.letters[0][2])
        assert token
        plain = token.group(1).replace(b"=\r\n", b"")[:43].decode()
        notice = await world.notice(queued.id)
        assert "/l/…" in (notice.body_text or "") and "/l/…" in (notice.body_html or "")
        assert plain not in str([notice.subject, notice.body_text, notice.body_html])
        assert notice.sealed_letter is None

    async def test_writes_one_letter_a_recipient_each_in_their_language(self, world: World) -> None:
        await world.send(
            Recipient("kim@acme.example"), Recipient("jo@acme.example", locale="de-AT"), Recipient("KIM@acme.example"), links=[offer()]
        )
        await world.settle()
        assert sorted(to for _, to, _ in world.mailbox.letters) == [["jo@acme.example"], ["kim@acme.example"]]
        subjects = {mail["To"]: mail["Subject"] for mail in world.mailbox.mails()}
        assert subjects == {"jo@acme.example": "Auftrag ORD-7731 verspätet", "kim@acme.example": "Order ORD-7731 is late"}

    async def test_tells_customer_carrier_and_colleague_of_one_exception_each_to_be_seen_by_their_own(self, world: World) -> None:
        people = [
            Recipient("kim@acme.example"),
            Recipient("desk@carrier.example", audience="counterparty"),
            Recipient("ops@northwind.example", audience="internal"),
        ]
        sent = await world.send(*people, links=[offer()])
        await world.settle()
        assert len(world.mailbox.letters) == 3
        async with world.shell.read(world.tenant, actor="user:kim", customer=world.customer) as uow:
            from app.notifications.models import Notice

            visible = {row.address for row in (await uow.execute(select(Notice))).scalars()}
        assert visible == {"kim@acme.example"}
        assert {(await world.notice(one.id)).status for one in sent} == {"delivered"}

    async def test_sends_once_for_one_key_however_often_it_is_asked(self, world: World) -> None:
        first = await world.send(links=[offer()])
        again = await world.send(links=[offer()])
        await world.settle()
        await world.send(links=[offer()])
        await world.settle()
        assert [one.id for one in first] == [one.id for one in again]
        assert len(world.mailbox.letters) == 1

    async def test_escapes_what_carriers_wrote(self, world: World) -> None:
        await world.send(
            context={"order": "<script>alert(1)</script>", "reason": "{{ 7*7 }}", "answer_by": "soon", "answer_by_text": "soon"},
            links=[offer()],
        )
        await world.settle()
        html = list(world.mailbox.mails()[0].iter_parts())[1].get_content()  # type: ignore[attr-defined]
        assert "<script>" not in html and "&lt;script&gt;" in html and "{{ 7*7 }}" in html


class TestFailure:
    async def test_for_now_waits_and_tries_again(self, world: World) -> None:
        world.mailbox.rcpt = "451 greylisted"
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        waiting = await world.notice(queued.id)
        assert (waiting.status, waiting.attempts) == ("queued", 0)
        assert waiting.tries[0]["outcome"] == "deferred" and waiting.tries[0]["code"] == 451
        world.mailbox.rcpt = "250 OK"
        await world.again_now()
        assert (await world.notice(queued.id)).status == "delivered"

    async def test_for_good_is_final_and_names_the_servers_words(self, world: World) -> None:
        world.mailbox.rcpt = "550 no such person"
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        notice = await world.notice(queued.id)
        assert notice.status == "failed" and "no such person" in (notice.failure or "")
        assert (await said(world, f"notice:{queued.id}"))[-1].envelope["data"]["code"] == 550
        await world.again_now()
        assert not world.mailbox.letters

    async def test_of_a_server_that_is_away_is_only_a_delay(self, world: World) -> None:
        world.shell = world.shell.but(settings=replace(world.shell.settings, smtp_url="smtp://127.0.0.1:1"))
        from app.notifications.handlers import deliver
        from tests.integration.notifications.leasing import lease

        (queued,) = await world.send(links=[offer()])
        await deliver(world.shell, await lease(world.shell, world.tenant))
        notice = await world.notice(queued.id)
        assert notice.status == "queued" and notice.tries[0]["outcome"] == "deferred"

    async def test_of_one_letter_leaves_the_next_alone(self, world: World) -> None:
        world.mailbox.rcpt = "550 no"
        first = await world.send(links=[offer()])
        await world.settle()
        world.mailbox.rcpt = "250 OK"
        second = await world.send(key="k2", links=[offer()])
        await world.settle()
        assert [(await world.notice(one[0].id)).status for one in (first, second)] == ["failed", "delivered"]

    async def test_after_the_letter_left_is_called_unknown_and_repeated_under_the_same_identity(self, world: World) -> None:
        world.mailbox.hang_up = True
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        unknown = await world.notice(queued.id)
        assert unknown.status == "unknown" and unknown.tries[0]["outcome"] == "unknown"
        world.mailbox.hang_up = False
        await world.again_now()
        assert (await world.notice(queued.id)).status == "delivered"
        one, two = (raw for _, _, raw in world.mailbox.letters)
        assert one == two
        async with world.shell.read(world.tenant) as uow:
            assert len((await uow.execute(select(Link).where(Link.notice_id == queued.id))).scalars().all()) == 1

    async def test_of_a_worker_between_handing_over_and_writing_down_is_noticed(self, world: World) -> None:
        from app.notifications import handlers
        from tests.integration.notifications.leasing import lease

        (queued,) = await world.send(links=[offer()])
        items = await lease(world.shell, world.tenant)

        class Dying(handlers.Outgoing):
            async def hand_over(self, letter):  # type: ignore[no-untyped-def]
                await super().hand_over(letter)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await handlers._deliver(world.shell, items[0], Dying(world.shell.egress, world.shell.settings.smtp_url))
        assert (await world.notice(queued.id)).status == "sending"
        await world.again_now()
        notice = await world.notice(queued.id)
        assert notice.status == "delivered"
        assert [tried["outcome"] for tried in notice.tries] == ["unknown", "delivered"]
        identities = {mail["Message-ID"] for mail in world.mailbox.mails()}
        assert len(world.mailbox.letters) == 2 and len(identities) == 1

    async def test_for_a_day_gives_up_and_says_so(self, world: World) -> None:
        world.mailbox.rcpt = "421 busy"
        (queued,) = await world.send(links=[offer()])
        for _ in range(11):
            await world.again_now()
        notice = await world.notice(queued.id)
        assert notice.status == "failed" and "Given up after 11 tries" in (notice.failure or "")

    async def test_of_a_template_with_this_context_is_final(self, world: World) -> None:
        (queued,) = await world.send(context={"order": "ORD-1"}, links=[offer()])
        await world.settle()
        notice = await world.notice(queued.id)
        assert notice.status == "failed" and "answer_by_text" in (notice.failure or "")

    async def test_by_a_worker_that_lost_its_lease_writes_nothing(self, world: World) -> None:
        from app.core.uow import LostLease
        from app.notifications import handlers
        from tests.integration.notifications.leasing import lease

        (queued,) = await world.send(links=[offer()])
        late = await lease(world.shell, world.tenant, seconds=0)
        await world.settle()
        assert (await world.notice(queued.id)).status == "delivered"
        with pytest.raises(LostLease):
            await handlers.deliver(world.shell, late)
        assert len(world.mailbox.letters) == 1

    async def test_keeps_the_servers_words_from_customers_and_from_events(self, world: World) -> None:
        from app.notifications.queries import notices

        world.mailbox.rcpt = "550 relay7.platform.example says no"
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        assert "relay7" not in str([event.envelope for event in await said(world, f"notice:{queued.id}")])
        async with world.shell.read(world.tenant, actor="user:kim", customer=world.customer) as uow:
            (seen,) = (await notices(uow, case_id=None, status=None, cursor=None, limit=10)).items
        assert seen.status == "failed" and "relay7" not in str(seen)
        async with world.shell.read(world.tenant) as uow:
            (ours,) = (await notices(uow, case_id=None, status=None, cursor=None, limit=10)).items
        assert "relay7" in (ours.failure or "")

    async def test_without_a_mail_server_waits_for_one(self, world: World) -> None:
        from app.notifications.handlers import deliver
        from tests.integration.notifications.leasing import lease

        world.shell = world.shell.but(settings=replace(world.shell.settings, smtp_url=""))
        (queued,) = await world.send(links=[offer()])
        await deliver(world.shell, await lease(world.shell, world.tenant))
        notice = await world.notice(queued.id)
        assert notice.status == "queued" and "detour" not in str(notice.tries).lower()

    async def test_to_leave_before_its_link_expires_is_final(self, world: World) -> None:
        (queued,) = await world.send(links=[LinkSpec("offer", "offer", new_id(), datetime.now(UTC) + timedelta(seconds=0.5))])
        await asyncio.sleep(0.6)
        await world.settle()
        notice = await world.notice(queued.id)
        assert notice.status == "failed" and "expired" in (notice.failure or "")


class TestGate:
    async def test_holds_a_notice_back_and_the_refusal_is_an_event(self, world: World) -> None:
        gate = world.shell.gate = StrictGate()
        (queued,) = await world.send(links=[offer()])
        await world.settle()
        notice = await world.notice(queued.id)
        assert notice.status == "failed" and "certificate" in (notice.failure or "")
        assert not world.mailbox.letters
        assert [request.capability for request in gate.asked] == ["notice:eta-offer"]
        assert gate.asked[0].customer_id == world.customer
        assert "access.denied" in [e.type for e in await said(world, f"notice:{queued.id}")]


class TestSend:
    async def test_refuses_a_template_nobody_published(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.send(template="nothing")

    @pytest.mark.parametrize(
        ("to", "pointer"),
        [
            ([], "/to"),
            ([Recipient("a@b.example"), Recipient("not an address")], "/to/1"),
            ([Recipient("a@b.example", "Kim\r\nBcc: x@y.example")], "/to/0"),
        ],
    )
    async def test_refuses_recipients_it_can_not_write_to(self, world: World, to: list[Recipient], pointer: str) -> None:
        from app.notifications.commands import send

        with pytest.raises(NoticeUnsendable) as refused:
            async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
                await send(uow, template="eta-offer", to=to, context={}, key="k")
        assert refused.value.errors[0].pointer == pointer

    async def test_refuses_a_link_that_expired_already(self, world: World) -> None:
        with pytest.raises(NoticeUnsendable):
            await world.send(links=[LinkSpec("offer", "offer", new_id(), datetime(2020, 1, 1, tzinfo=UTC))])
