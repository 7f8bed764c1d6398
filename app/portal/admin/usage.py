"""Usage: what was counted, by meter and customer, over a span of days."""

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.metering import queries
from app.metering.schemas import UsageView
from app.portal.admin.choices import CustomerUnknown, customer_of, offered
from app.portal.forms import Form
from app.portal.pages import page_get
from app.portal.screens import Screen
from tenants.names import customer_names


@page_get("/admin/usage", area="admin", permission="usage.read")
async def show_usage(screen: Screen, uow: UnitOfWork, since: str = "", until: str = "", customer: str = "") -> Response[str]:
    """This month so far, unless days are named."""
    form = Form([(name, value) for name, value in (("since", since), ("until", until), ("customer", customer)) if value])
    today = uow.now.date()
    view: UsageView | None = None
    try:
        last = _day(until, "until") or today
        first = _day(since, "since") or last.replace(day=1)
        view = await queries.usage(uow, since=first, until=last, customer_id=await customer_of(uow, form))
    except (Invalid, CustomerUnknown) as fault:
        form.refused(fault)
    months = [(today.replace(day=1), today), _month_before(today)]
    items = view.items if view else []
    return screen.show(
        "admin/usage.html", status=200 if view else 422, form=form, view=view, given={"since": since, "until": until, "customer": customer},
        months=months, rows=_by_customer(view) if view else [], names=await customer_names(uow, [item.customer_id for item in items]), **await offered(uow),
    )  # fmt: skip


def _by_customer(view: UsageView) -> list[tuple[str, str, str, int, list[tuple[UUID | None, int]]]]:
    """Each meter with its total and what each customer (None: the partner itself) used of it, the most first."""
    found: list[tuple[str, str, str, int, list[tuple[UUID | None, int]]]] = []
    for total in view.totals:
        used: Counter[UUID | None] = Counter()
        for item in view.items:
            if (item.meter, item.unit) == (total.meter, total.unit):
                used[item.customer_id] += item.quantity
        found.append((total.title, total.meter, total.unit, total.quantity, used.most_common()))
    return found


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(errors=[FieldError(f"/{name}", f"{text[:40]!r} is no day.", "Write it as 2026-11-23.")], status=422) from None


def _month_before(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


ROUTES: list[Any] = [show_usage]
