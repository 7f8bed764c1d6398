"""Five weeks of work on exceptions, drawn by a seed: opened, answered, touched, closed and taken up again by people, integrations and runs."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.cases import commands
from app.cases.models import Case
from app.core.ids import new_id
from tests.integration.cases.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
TYPES = ("cutoff.missed", "delivery.failed", "shipment.delayed")


class Story:
    """Cases of two customers and what was done about them, each step at a moment of its own."""

    def __init__(self, world: World, other: UUID, seed: int) -> None:
        self.world, self.customers, self.draw = world, (world.customer, other), random.Random(seed)
        self.people: list[str] = []

    async def tell(self, cases: int) -> list[Case]:
        self.people = [await self.world.person("operator") for _ in range(3)]
        return [await self._one(number) for number in range(cases)]

    async def _one(self, number: int) -> Case:
        draw, at = self.draw, NOW - timedelta(minutes=self.draw.randint(30, 36 * 24 * 60))
        self.world.customer = draw.choice(self.customers)
        exception = {"type": draw.choice(TYPES), "reason": None, "responsible": "warehouse"}
        case = await self.world.opened(now=at, order=f"ORD-{number}", exception=exception, group_key=f"g-{number}")
        for _ in range(draw.choice((0, 0, 0, 1, 2, 4))):
            at = min(at + timedelta(minutes=draw.randint(1, 600)), NOW)
            await self._step(case, at)
        if draw.random() < 0.7:
            at = min(at + timedelta(minutes=draw.randint(5, 3000)), NOW)
            await self.end(case, at, draw.choice((f"run:{new_id()}", f"run:{new_id()}", draw.choice(self.people))))
            if draw.random() < 0.2:
                await self._again(case, at + timedelta(days=draw.choice((1, 3, 12))), number)
        return case

    async def _step(self, case: Case, at: datetime) -> None:
        draw = self.draw
        actor = draw.choice((*self.people, *self.people, f"key:{new_id()}", f"run:{new_id()}", "system:clock"))
        async with self.world.act(actor, now=at) as uow:
            verb = draw.choice(("acknowledge", "comment", "escalate", "assign"))
            if verb == "acknowledge":
                await commands.acknowledge(uow, case.id)
            elif verb == "comment":
                await commands.comment(uow, case.id, "Looked at it.")
            elif verb == "escalate":
                await commands.escalate(uow, case.id, "Dear.")
            elif (await uow.get(Case, case.id)).owner_id is None:
                await commands.assign(uow, case.id, UUID(draw.choice(self.people)[5:]))

    async def end(self, case: Case, at: datetime, actor: str) -> None:
        async with self.world.act(actor, now=at) as uow:
            await commands.resolve(uow, case.id, outcome="fixed", cause="late", evidence_call_id=None, override_reason="seen by phone")

    async def _again(self, case: Case, at: datetime, number: int) -> None:
        """Taken up again, or followed by a case of the same group."""
        if at > NOW:
            return
        if self.draw.random() < 0.5:
            async with self.world.act(self.people[0], now=at) as uow:
                await commands.reopen(uow, case.id, "It is back.")
        else:
            await self.world.opened(now=at, order=f"ORD-{number}", exception=_exception(case), group_key=case.group_key)


def _exception(case: Case) -> dict[str, Any]:
    return {"type": case.exception_type, "reason": None, "responsible": "warehouse"}
