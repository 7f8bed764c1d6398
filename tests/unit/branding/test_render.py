"""Pages speak as the partner, run no script, and escape whatever they are told."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import get_args

import pytest

from branding import words
from branding.pages import Choice, Fact, Kind, Page
from branding.render import mail_html, mail_text, page
from branding.schemas import Brand, Tokens, Voice

pytestmark = [pytest.mark.feature("M180"), pytest.mark.feature("M195")]
BRAND = Brand(
    voice=Voice(name="Northwind", mail_from="care@northwind.example", support_email="care@northwind.example", legal="Northwind GmbH"),
    tokens=Tokens(primary="#0B5FFF"),
)
HOSTILE = "<script>alert(1)</script>\"'{{ 7 * 7 }}"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OFFER = Page(
    kind="offer",
    title="Your order ORD-7731 will be late",
    answer_by=NOON,
    zone="Europe/Berlin",
    choices=(
        Choice("opt-a", "Wednesday 10–12", at=NOON, cost_minor=0, currency="EUR", is_default=True),
        Choice("opt-b", "Tuesday by courier", at=NOON, cost_minor=24000, currency="EUR"),
    ),
)


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


class TestEveryPage:
    @pytest.mark.parametrize("kind", get_args(Kind))
    @pytest.mark.parametrize("brand", [BRAND, None])
    @pytest.mark.parametrize("locale", sorted(words.languages()))
    def test_needs_no_script_and_allows_nothing_inline(self, kind: Kind, brand: Brand | None, locale: str) -> None:
        made = page(Page(kind=kind, locale=locale), brand)
        tags = Tags(made.html)
        assert not tags.of("script")
        assert not [name for _, attributes in tags.found for name in attributes if name == "style" or name.startswith("on")]
        (style,) = tags.of("style")
        assert f"'nonce-{style['nonce']}'" in made.headers["Content-Security-Policy"]
        assert "unsafe" not in made.headers["Content-Security-Policy"]
        assert tags.of("html") == [{"lang": locale, "dir": "rtl" if locale == "ar" else "ltr"}]
        assert len(tags.of("h1")) == 1 and len(tags.of("main")) == 1

    @pytest.mark.parametrize("kind", get_args(Kind))
    @pytest.mark.parametrize("brand", [BRAND, None])
    def test_shows_no_trace_of_the_maker(self, kind: Kind, brand: Brand | None) -> None:
        made = page(Page(kind=kind), brand)
        assert "detour" not in (made.html + str(made.headers)).lower()

    def test_weighs_little(self) -> None:
        assert len(page(OFFER, BRAND, has_logo=True).html.encode()) < 20_000

    def test_uses_a_fresh_nonce_each_time(self) -> None:
        assert page(OFFER, BRAND).headers != page(OFFER, BRAND).headers

    @pytest.mark.parametrize(
        ("kind", "status"), [("offer", 200), ("answered", 200), ("expired", 410), ("used", 409), ("unknown", 404), ("error", 500)]
    )
    def test_goes_out_with_its_own_status(self, kind: Kind, status: int) -> None:
        assert page(Page(kind=kind), BRAND).status == status

    def test_escapes_whatever_it_is_told(self) -> None:
        told = Page(
            kind="offer",
            title=HOSTILE,
            lead=HOSTILE,
            error=HOSTILE,
            facts=(Fact(HOSTILE, HOSTILE),),
            choices=(Choice(HOSTILE, HOSTILE, detail=HOSTILE, is_default=True),),
            answer_by=NOON,
        )
        brand = Brand(voice=Voice(name=HOSTILE, mail_from="a@b.example", legal=HOSTILE), tokens=BRAND.tokens)
        made = page(told, brand).html
        assert "<script>" not in made and "49" not in re.sub(r"<style.*?</style>", "", made, flags=re.S)
        assert Tags(made).of("button")[0]["value"] == HOSTILE


class TestOfferPage:
    def test_gives_each_option_a_button_that_posts_its_value(self) -> None:
        tags = Tags(page(OFFER, BRAND).html)
        assert [button["value"] for button in tags.of("button")] == ["opt-a", "opt-b"]
        assert all(button["type"] == "submit" and button["name"] == "option" for button in tags.of("button"))
        assert tags.of("form") == [{"method": "post"}]

    def test_says_by_when_and_what_silence_means_in_the_readers_zone(self) -> None:
        text = re.sub(r"<[^>]+>", "", page(OFFER, BRAND).html)
        assert re.search(r"Please answer by Tue, Nov 24, 1:00\sPM CET\. If we hear nothing, we take Wednesday 10–12\.", text)
        assert "no extra cost" in text and "€240.00 extra" in text

    def test_says_nothing_of_silence_without_a_default(self) -> None:
        made = page(Page(kind="offer", answer_by=NOON, choices=OFFER.choices[1:]), BRAND).html
        assert "Please answer by" in made and "hear nothing" not in made

    def test_speaks_the_readers_language(self) -> None:
        made = page(Page(kind="offer", choices=OFFER.choices, locale="de-AT", zone="Europe/Vienna"), BRAND).html
        assert "A</bdi> wählen" in made and "MEZ" in made

    def test_shows_what_was_wrong_and_the_form_again(self) -> None:
        made = page(Page(kind="offer", choices=OFFER.choices, error="Choose one of the options."), BRAND)
        assert made.status == 422
        assert Tags(made.html).of("form") and 'role="alert"' in made.html


class TestWords:
    def test_hold_the_same_sentences_and_gaps_in_every_language(self) -> None:
        english = words.languages()["en"]
        for language, own in words.languages().items():
            assert own.keys() == english.keys(), language
            for key, sentence in own.items():
                assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", english[key])), (language, key)

    @pytest.mark.parametrize(("asked", "spoken"), [("de-AT", "de"), ("pt-BR", "en"), ("", "en"), ("EN", "en")])
    def test_fall_back_to_the_language_then_to_english(self, asked: str, spoken: str) -> None:
        assert words.spoken_as(asked) == spoken


class TestMailFrame:
    def test_speaks_as_the_partner(self) -> None:
        made = mail_html(BRAND, locale="en", subject="Late", body="<p>Hello</p>", logo_url=None)
        assert "Northwind" in made and "<p>Hello</p>" in made and "#0B5FFF" in made and "detour" not in made.lower()
        assert not re.search(r"""(?:src|url)\s*[=(]["']?http""", made)

    def test_ends_the_plain_text_with_who_writes(self) -> None:
        assert mail_text(BRAND, locale="en", body="Hello").endswith(
            "\n\n-- \nNorthwind\nQuestions? Write to care@northwind.example.\nNorthwind GmbH\n"
        )
