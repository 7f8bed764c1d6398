"""A partner's administrator at the console, and what several pages' tests ask of a page."""

import re
from html.parser import HTMLParser

import pytest

from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Person

LARGEST = 60 * 1024


@pytest.fixture
async def mira(signed_in: SignIn) -> Person:
    """The partner's administrator."""
    return await signed_in("partner_admin", name="Mira Holm")


async def page(person: Person, path: str) -> str:
    """A page as it is sent: found, within its size, without a word of style or script inside its tags."""
    answer = await person.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert len(answer.content) < LARGEST, f"{path} has {len(answer.content):,} bytes"
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text), f"{path} carries style or script in a tag"
    _well_formed(answer.text, path)
    return answer.text


class _Checked(HTMLParser):
    """Labels that name no field, ids given twice, tables without caption, headings out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.unlabelled: list[str] = []
        self.headings: list[int] = []
        self.tables = self.captions = 0
        self._in_label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self._in_label += tag == "label"
        if tag == "label" and "for" in given:
            self.labelled.add(given["for"])
        takes_words = tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit")
        if takes_words and "aria-label" not in given and not self._in_label:
            self.unlabelled.append(given.get("id", given.get("name", tag)))
        if re.fullmatch("h[1-4]", tag):
            self.headings.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_endtag(self, tag: str) -> None:
        self._in_label -= tag == "label"


def _well_formed(html: str, path: str) -> None:
    seen = _Checked()
    seen.feed(html)
    assert len(seen.ids) == len(set(seen.ids)), f"{path}: ids given twice: {sorted(i for i in seen.ids if seen.ids.count(i) > 1)}"
    assert set(seen.unlabelled) <= seen.labelled, f"{path}: fields without a label: {sorted(set(seen.unlabelled) - seen.labelled)}"
    assert seen.tables == seen.captions, f"{path}: {seen.tables} tables, {seen.captions} captions"
    assert seen.headings[:1] == [1] and seen.headings.count(1) == 1, f"{path}: headings {seen.headings}"
    jumps = [(a, b) for a, b in zip(seen.headings, seen.headings[1:], strict=False) if b > a + 1]
    assert not jumps, f"{path}: headings jump {jumps}"
