"""Reading a page without a browser: where it leads, what it loads, the forms it offers with what they would send."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID_CHOICE = {"submit", "image", "reset"}


@dataclass
class FormSeen:
    """One form: where it goes, and what it would send when its fields stay as they are."""

    method: str
    action: str
    fields: dict[str, Any] = field(default_factory=dict)
    has_file: bool = False
    enctype: str = ""


class Html(HTMLParser):
    """A page, taken apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.links: list[str] = []
        self.assets: list[str] = []
        self.forms: list[FormSeen] = []
        self.pieces: list[str] = []
        self._form: FormSeen | None = None
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element leads to, loads or sends."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if given.get("hx-get"):
            self.pieces.append(given["hx-get"])
        if tag in ("script", "img", "iframe") and given.get("src"):
            self.assets.append(given["src"])
        if tag == "link" and given.get("href"):
            self.assets.append(given["href"])
        if tag == "form":
            self._form = FormSeen(given.get("method", "get").lower(), given.get("action", ""), enctype=given.get("enctype", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name, kind = self._form, given.get("name", ""), given.get("type", "text")
        assert form is not None
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or not form.fields.get(self._select)):
            form.fields[self._select] = given.get("value", "")
        elif tag == "textarea" and name:
            form.fields.setdefault(name, "some words")
        elif tag == "button" and name and kind not in ("button", "reset"):
            form.fields.setdefault(name, given.get("value", ""))
        elif tag == "input" and name and kind == "file":
            form.has_file = True
        elif tag == "input" and name and kind in ("checkbox", "radio"):
            if "checked" in given or (kind == "radio" and name not in form.fields):
                form.fields[name] = given.get("value", "on")
        elif tag == "input" and name and kind not in _VOID_CHOICE:
            form.fields[name] = given.get("value", "") or _example(kind, given)

    def handle_endtag(self, tag: str) -> None:
        """A form or choice ends."""
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""

    @property
    def words(self) -> str:
        """What a person reads, without markup."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style).*?</\1>", " ", self.source)))


def _example(kind: str, given: dict[str, str]) -> str:
    """Something a field of this kind takes."""
    if "required" not in given and kind not in ("email",):
        return ""
    examples = {
        "email": "somebody@somewhere.example",
        "number": given.get("min", "1") or "1",
        "url": "https://somewhere.example/",
        "date": "2027-01-04",
    }
    return {**examples, "datetime-local": "2027-01-04T10:00", "color": "#1f4b7a", "time": "10:00"}.get(kind, "some words")
