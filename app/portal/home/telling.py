"""How the customers' pages say things: places and kinds of trouble in the reader's language, and what is new since a page was read."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import format_date
from litestar import Response
from markupsafe import Markup

from app.canonical.journeys import Journey
from app.canonical.requirements import document_types
from app.canonical.schemas import Finding
from app.cases.following import moment
from app.cases.inbox import InboxEntryView
from app.core.errors import Fault
from app.intelligence.search import Found
from app.portal import words
from app.portal.forms import Form
from app.portal.screens import Screen
from branding import formats

Place = Mapping[str, Any] | None
_ADDRESS = re.compile(r"https?://\S+")


class Teller:
    """Says what a customer reads, in the words and the language of one screen."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.locale = formats.spoken(screen.locale)
        self._words = words.words(screen.area, screen.locale)

    def place(self, place: Place) -> str:
        """A place as people write it: the name or city, and the country in the reader's language; "" when nothing is known."""
        known = place or {}
        country = str(known.get("country") or "")
        land = self.locale.territories.get(country.upper(), country)
        town = str(known.get("city") or known.get("name") or known.get("code") or "")
        if formats.direction(self.screen.locale) == "rtl" and town and land:
            # A Latin town would turn the whole place around: each part is kept apart, in the sentence's own direction.
            return f"\u200f\u2068{town}\u2069، \u2068{land}\u2069"
        return ", ".join(part for part in (town, land) if part)

    def zone(self, place: Place) -> str:
        """The time zone of a place whose country has one time, else ""."""
        return _zone_of(str((place or {}).get("country") or "").upper(), self.screen.now.date().isoformat())

    def trouble(self, code: str) -> Any:
        """What went wrong, in words; an unknown kind is called a problem."""
        return self.one_of(f"type_{_key(code)}", "type_other")

    def what(self, code: str) -> Any:
        """The same in a whole sentence."""
        return self.one_of(f"what_{_key(code)}", "what_other")

    def day(self, day: date) -> str:
        """A date as people write it."""
        return format_date(day, "medium", locale=self.locale)

    def size(self, size: int) -> str:
        """How large a file is."""
        unit, value = ("MB", size / 2**20) if size >= 2**20 else ("kB", max(size, 1) / 1024)
        return f"{self.screen.number(value, 1)} {unit}"

    def reference(self, kind: str) -> Any:
        """What kind of number a shipment goes by; the trade's own abbreviations stay."""
        key = f"ref_{_key(kind)}"
        return self.screen.say(key) if key in self._words else kind.upper()

    def at(self, told: str, place: Place) -> str:
        """A planned time as a message told it, with the place's own beside."""
        found = moment(told)
        return self.screen.when(found, zone=self.zone(place)) if found else told

    def paper(self, kind: str, title: str) -> Any:
        """What kind of document; one these pages have no word for goes by its own title."""
        key = f"doc_{_key(kind)}"
        return self.screen.say(key) if key in self._words else title

    def field(self, name: str, label: str) -> Any:
        """A field of a document as its reader calls it."""
        key = f"field_{_key(name)}"
        return self.screen.say(key) if key in self._words else label

    def finding(self, kind: str, finding: Finding) -> Any:
        """What is wrong in a document, and what to do about it."""
        field = finding.pointer.lstrip("/")
        wanted = document_types().get(kind)
        known = wanted.fields.get(field) if wanted else None
        key = f"finding_{_key(finding.code)}" if finding.code else ""
        if key not in self._words:
            return " ".join(part for part in (finding.detail, finding.remedy) if part)
        label = self.field(field, known.label if known else field)
        return self.screen.say(key, field=label, value=finding.value, expected=finding.expected)

    def knows(self, key: str) -> bool:
        """Whether these pages have words for it."""
        return key in self._words

    def role(self, name: str) -> Any:
        """What a role is called."""
        key = f"role_{_key(name)}"
        return self.screen.say(key) if key in self._words else name.replace("_", " ")

    def case(self, about: tuple[str, str] | None) -> Any:
        """What a case is called: its kind of trouble and the number of what it is about."""
        if about is None:
            return self.screen.say("case")
        return Markup("{} · {}").format(self.trouble(about[0]), about[1]) if about[1] else self.trouble(about[0])

    def entry(self, entry: InboxEntryView, about: tuple[str, str] | None = None) -> Any:
        """A line of the inbox."""
        facts = entry.facts
        kind = str(facts.get("document") or "")
        values = {
            "document": self.paper(kind, kind), "outcome": self.outcome(facts.get("outcome")), "case": self.case(about),
            "time": self.screen.when(moment(facts.get("expires_at"))),
        }  # fmt: skip
        return self.one_of(f"inbox_{entry.kind}", "inbox_other", **values)

    def letter(self, text: str) -> Any:
        """A letter's text without the addresses in it: their secrets are blotted out, so they lead nowhere."""
        return _ADDRESS.sub("…", text)

    def label(self, hit: Found) -> Any:
        """What something found is called."""
        if hit.kind == "document":
            return self.paper(hit.label, hit.label)
        return hit.label

    def matched(self, name: str) -> Any:
        """What kind of word something was found by."""
        return (
            self.one_of(f"match_{_key(name)}", f"ref_{_key(name)}")
            if self.knows(f"ref_{_key(name)}")
            else self.one_of(f"match_{_key(name)}", "match_other")
        )

    def marked(self, value: str, wanted: str) -> Any:
        """The word with what was looked for marked in it, where it stands there as typed."""
        at = value.casefold().find(wanted.casefold())
        if at < 0 or not wanted:
            return Markup("<bdi>{}</bdi>").format(value)
        return Markup("<bdi>{}<mark>{}</mark>{}</bdi>").format(value[:at], value[at : at + len(wanted)], value[at + len(wanted) :])

    def link(self, hit: Found) -> str:
        """The page of something found; parties have none."""
        return f"/{hit.kind}s/{hit.id}" if hit.kind in ("order", "shipment", "case", "document") else ""

    def outcome(self, code: str | None) -> Any:
        """How it ended."""
        return self.one_of(f"outcome_{_key(code or '')}", "outcome_other")

    def one_of(self, key: str, otherwise: str, **values: object) -> Any:
        """The sentence `key` when these pages know it, else the other."""
        return self.screen.say(key if key in self._words else otherwise, **values)

    def headline(self, journey: Journey) -> Any:
        """What is happening, as the page's first line."""
        return self.screen.say(f"head_{journey.kind}_{self.state(journey)}", number=journey.number)

    def state(self, journey: Journey) -> str:
        """The word for how it stands, by which sentences and chips are chosen."""
        if journey.outlook == "late":
            return "is_late" if journey.promised_at and journey.promised_at < self.screen.now else "late"
        if journey.outlook in ("on_time", "unknown"):
            return "moving" if journey.stage == "moving" else "preparing"
        return journey.outlook

    def refusal(self, fault: Fault | None) -> Any:
        """Why something wasn't done, in the reader's language."""
        if fault is None:
            return ""
        return self.one_of(f"fault_{_key(fault.slug)}", "fault_422" if fault.status == 422 else "fault_other")


def _key(code: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in code.lower())


@cache
def _zone_of(country: str, day: str) -> str:
    """A zone of a country in which it is the same time everywhere that day; "" for others and for no country."""
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == country and "/" in zone]
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    offsets: dict[Any, str] = {}
    for zone in zones:
        try:
            offsets.setdefault(noon.astimezone(ZoneInfo(zone)).utcoffset(), zone)
        except (KeyError, ValueError, OSError):
            continue
    return next(iter(offsets.values())) if len(offsets) == 1 else ""


def show(
    screen: Screen, template: str, *, seen: Sequence[Any] = (), form: Form | None = None, status: int = 200, **context: Any
) -> Response[str]:
    """Answer with a page of the customers' portal.

    `seen` is what the page shows and what may change while somebody looks at it: the page carries a mark of it, and when it is asked again with
    another mark it says that there is news.
    """
    mark = hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
    given = parse_qsl(screen.query)
    kept, asked = [(k, v) for k, v in given if k not in ("mark", "done")], dict(given).get("mark", "")
    here = f"{screen.path}?{urlencode(kept)}" if kept else screen.path
    told: dict[str, Any] = {
        "tell": Teller(screen),
        "here": here,
        "fresh_url": f"{screen.path}?{urlencode([*kept, ('mark', mark)])}",
        "is_stale": bool(asked) and asked != mark,
        "kept_query": urlencode([(k, v) for k, v in kept if k != "cursor"]),
    }
    return screen.show(f"home/{template}", form=form, status=status, **told, **context)


def uuid(value: str) -> UUID | None:
    """An id somebody sent, None for what isn't one."""
    try:
        return UUID(value)
    except ValueError:
        return None
