"""The story player's own parts: what it promises about promises, links and files."""

from pathlib import Path

import pytest

from simulator import feed
from simulator.story.book import Book, Check, Page, StoryBroken
from simulator.story.client import until
from simulator.story.links import Form, links
from simulator.story.provision import Keyring
from simulator.story.show import as_json
from simulator.story.steps import STEPS


class TestBook:
    def test_an_empty_book_has_not_held(self) -> None:
        assert not Book().held

    def test_one_broken_promise_breaks_it(self) -> None:
        book = Book()
        page = Page(book, "northwind", 1)
        page.check("kept", True)
        assert book.held
        page.equal("broken", 1, 2)
        assert not book.held
        assert book.checks[-1] == Check("northwind", 1, "broken", False, "saw 1, wanted 2")
        assert '"held": false' in as_json(book)

    def test_a_needed_promise_ends_the_story(self) -> None:
        book = Book()
        with pytest.raises(StoryBroken):
            Page(book, "northwind", 1).need("the door opens", None, "it is locked")
        assert not book.held

    def test_waiting_ends_with_what_did_not_happen(self) -> None:
        with pytest.raises(StoryBroken, match="rain"):
            until("rain", lambda: None, seconds=0)


class TestSteps:
    def test_every_step_says_its_number(self) -> None:
        numbers = [(step.__doc__ or "").split(":")[0] for step in STEPS[1:]]
        assert numbers == [str(number) for number in range(1, 13)]


class TestLinks:
    def test_addresses_are_found_without_their_full_stop(self) -> None:
        assert links("Choose here: http://northwind.localhost:8000/l/abc_-9. Thanks") == ["http://northwind.localhost:8000/l/abc_-9"]

    def test_a_form_gives_hidden_fields_and_choices(self) -> None:
        form = Form(
            '<input type="hidden" name="t" value="1"><button name="option" value="A"></button><input type="radio" name="option" value="B">'
        )
        assert form.hidden == {"t": "1"}
        assert form.choices == {"option": ["A", "B"]}


class TestKeyring:
    def test_keys_survive_in_a_file_only_its_owner_reads(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        Keyring(path).keep("northwind", "k_1")
        assert Keyring(path).of("northwind") == "k_1"
        assert path.stat().st_mode & 0o077 == 0

    def test_an_unknown_partner_is_told_what_to_do(self) -> None:
        with pytest.raises(StoryBroken, match="--keys"):
            Keyring().of("northwind")


class TestFeed:
    def test_files_are_known_by_their_beginning(self) -> None:
        assert feed.kind_of(b"\n ISA*00*")[1] == "/v1/edi"
        assert feed.kind_of(b'{"specversion": "1.0"}')[0] == "application/cloudevents+json"
        assert feed.kind_of(b"[{}]")[0] == "application/cloudevents-batch+json"
        with pytest.raises(ValueError, match="neither"):
            feed.kind_of(b"UNB+UNOC")

    def test_receipts_are_found_in_every_kind_of_answer(self) -> None:
        one = {"id": "1", "status_url": "/v1/signals/1"}
        assert (
            feed.receipts(one) == feed.receipts({"receipt": one}) == feed.receipts({"items": [{"receipt": one}, {"problem": {}}]}) == [one]
        )
