"""What several of the console's forms offer and read: languages, zones, customers by their short name."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from tenants import console_queries
from tenants.queries import customer_by_slug
from tenants.sla import is_zone

LANGUAGES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "ar": "Arabic", "en-GB": "English, United Kingdom",
    "en-US": "English, United States", "de-AT": "German, Austria", "de-CH": "German, Switzerland", "fr-CA": "French, Canada",
    "es-MX": "Spanish, Mexico",
}  # fmt: skip
_ZONES = """UTC Europe/London Europe/Lisbon Europe/Dublin Europe/Paris Europe/Brussels Europe/Amsterdam Europe/Berlin Europe/Zurich Europe/Vienna
    Europe/Rome Europe/Madrid Europe/Copenhagen Europe/Stockholm Europe/Oslo Europe/Warsaw Europe/Prague Europe/Budapest Europe/Athens
    Europe/Helsinki Europe/Bucharest Europe/Kyiv Europe/Istanbul Africa/Cairo Africa/Lagos Africa/Nairobi Africa/Johannesburg Asia/Dubai
    Asia/Riyadh Asia/Karachi Asia/Kolkata Asia/Dhaka Asia/Bangkok Asia/Ho_Chi_Minh Asia/Singapore Asia/Hong_Kong Asia/Shanghai Asia/Tokyo
    Asia/Seoul Australia/Perth Australia/Sydney Pacific/Auckland America/Sao_Paulo America/Argentina/Buenos_Aires America/Santiago
    America/Bogota America/Mexico_City America/New_York America/Toronto America/Chicago America/Denver America/Phoenix
    America/Los_Angeles America/Vancouver America/Anchorage Pacific/Honolulu"""
ZONES = tuple(_ZONES.split())


class CustomerUnknown(Invalid):
    """There is no customer of this short name."""

    status = 422


class ZoneUnknown(Invalid):
    """This is no time zone."""

    status = 422


async def customer_of(uow: UnitOfWork, form: Form, name: str = "customer") -> UUID | None:
    """Return the customer whose short name stands in a field, None for an empty one; raises CustomerUnknown."""
    given = form.value(name).strip().lower()
    if not given:
        return None
    found = await customer_by_slug(uow, given)
    if found is None:
        wrong = FieldError(f"/{name}", f"There is no customer called {given[:80]!r}.", "Choose one of the list; its short name is meant.")
        raise CustomerUnknown(errors=[wrong])
    return found.id


def check_zone(zone: str, pointer: str) -> None:
    """Raise ZoneUnknown unless the database of zones has it."""
    if not is_zone(zone):
        wrong = FieldError(pointer, f"{zone[:80]!r} is not a time zone.", "Name one of the list, such as Europe/Berlin.")
        raise ZoneUnknown(errors=[wrong])


async def offered(uow: UnitOfWork) -> dict[str, Any]:
    """What a form with a customer, a language and a zone proposes while one types."""
    return {"customers": await console_queries.first_customers(uow), "languages": LANGUAGES, "zones": ZONES}


async def who(uow: UnitOfWork, actors: Iterable[str]) -> Callable[[str], str]:
    """Return what says each of these actors in words: people and keys by name, everything else by what it is."""
    names = await console_queries.called(uow, actors)
    return lambda actor: names.get(actor) or _words_for(actor)


def _words_for(actor: str) -> str:
    kind, _, name = actor.partition(":")
    known = {
        "system": "the system",
        "key": "the operator of the platform",
        "user": "somebody who is gone",
        "link": "somebody with a link",
        "run": "a workflow",
    }
    return f"source {name}" if kind == "source" else known.get(kind, actor)
