"""The brand at the console: looked at before it is published, refused where it can't be read, published and taken back."""

import io
import re

import pytest
from PIL import Image

from tests.integration.portal.admin.conftest import page
from tests.integration.portal.people import Page, Person

pytestmark = pytest.mark.feature("M180")

VOICE = {
    "voice.name": "Fjord Care", "voice.mail_from": "care@fjord.example", "voice.locale": "de", "voice.zone": "Europe/Oslo",
    "tokens.primary": "#0B5F4F", "tokens.surface": "#FFFFFF", "tokens.text": "#14181D", "tokens.radius": "4", "tokens.font": "serif",
}  # fmt: skip


async def version(person: Person) -> str:
    return Page((await person.get("/admin/brand")).text).fields["expected"]


async def publish(person: Person, **changed: str) -> str:
    answer = await person.post(
        "/admin/brand", {**VOICE, "expected": await version(person), **{k.replace("__", "."): v for k, v in changed.items()}}
    )
    return f"{answer.status_code} {answer.headers.get('location', '')} {answer.text}"


class TestPublishing:
    async def test_changes_what_everybody_sees_at_once(self, mira: Person) -> None:
        said = await publish(mira)
        assert said.startswith("303 /admin/brand?done=brand_published")
        html = await page(mira, "/admin/brand?done=brand_published")
        assert "Fjord Care" in html and "Version 2 is shown" in html and "Published." in html
        style = re.search(r"/assets/screen\.css\?v=\w+", html)
        assert style and "--brand:#0B5F4F" in (await mira.get(style[0])).text

    async def test_takes_a_logo_and_draws_it_anew(self, mira: Person) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (400, 120), "#0B5F4F").save(picture, "JPEG")
        given = {**VOICE, "expected": await version(mira)}
        answer = await mira.post("/admin/brand", given, files={"logo": ("logo.jpg", picture.getvalue(), "image/jpeg")})
        assert answer.status_code == 303
        assert (await mira.get("/brand/logo.png")).content.startswith(b"\x89PNG")
        await mira.post("/admin/brand", {**VOICE, "expected": await version(mira), "remove_logo": "true"})
        assert (await mira.get("/brand/logo.png")).status_code == 404

    async def test_names_a_file_that_is_no_picture_at_its_field(self, mira: Person) -> None:
        given = {**VOICE, "expected": await version(mira)}
        answer = await mira.post("/admin/brand", given, files={"logo": ("logo.svg", b"<svg onload=alert(1)>", "image/svg+xml")})
        assert answer.status_code == 422
        assert "SVG drawings can carry script" in answer.text and 'aria-describedby="hint-logo wrong-logo"' in answer.text

    async def test_refuses_a_colour_nobody_can_read_and_proposes_the_nearest(self, mira: Person) -> None:
        said = await publish(mira, tokens__primary="#FFD400")
        assert said.startswith("422")
        assert "has a contrast of 1.4" in said and 'value="#FFD400"' in said
        assert re.search(r'name="take" value="tokens.primary=#[0-9A-F]{6}"', said)

    async def test_refuses_a_zone_nobody_knows_and_keeps_what_was_typed(self, mira: Person) -> None:
        said = await publish(mira, voice__zone="Mars/Olympus", voice__legal="Fjord AS, Bergen")
        assert said.startswith("422") and "is not a time zone" in said and 'value="Fjord AS, Bergen"' in said

    async def test_refuses_to_write_over_what_somebody_else_published_meanwhile(self, mira: Person) -> None:
        before = await version(mira)
        await publish(mira)
        said = await publish(mira, expected=before, voice__name="Fjord")
        assert said.startswith("412") and "changed since you read it" in said

    async def test_is_for_whoever_may_write_it(self, mira: Person, signed_in) -> None:  # type: ignore[no-untyped-def]
        ida = await signed_in("operator")
        assert (await ida.post("/admin/brand", VOICE)).status_code == 403


class TestADraft:
    async def test_takes_a_proposed_colour_without_publishing(self, mira: Person) -> None:
        refused = await publish(mira, tokens__primary="#FFD400")
        proposed = re.search(r'name="take" value="tokens.primary=(#[0-9A-F]{6})"', refused)
        assert proposed
        answer = await mira.post("/admin/brand", {**VOICE, "tokens.primary": "#FFD400", "take": f"tokens.primary={proposed[1]}"})
        assert answer.status_code == 200
        assert Page(answer.text).fields["tokens.primary"] == proposed[1]
        assert "Version 1 is shown" in answer.text and "can't be read" not in answer.text

    async def test_is_previewed_without_script(self, mira: Person) -> None:
        answer = await mira.post("/admin/brand", {**VOICE, "preview": "yes"})
        assert answer.status_code == 200 and "Version 1 is shown" in answer.text
        frame = re.search(r'<iframe[^>]*src="([^"]+)"', answer.text)
        assert frame and "voice.name=Fjord+Care" in frame[1]

    async def test_can_only_take_colours(self, mira: Person) -> None:
        answer = await mira.post("/admin/brand", {**VOICE, "take": "voice.name=Somebody else"})
        assert Page(answer.text).fields["voice.name"] == "Fjord Care"


class TestThePreview:
    async def test_shows_the_draft_by_day_and_by_night_in_its_own_language(self, mira: Person) -> None:
        answer = await mira.get("/admin/brand/preview", params=VOICE)
        assert answer.status_code == 200 and len(answer.content) < 60 * 1024
        assert 'lang="de"' in answer.text and "Fjord Care" in answer.text
        assert ".panel.light{--brand:#0B5F4F" in answer.text and ".panel.dark{--brand:#" in answer.text
        assert "--radius:4px" in answer.text and "Charter" in answer.text

    async def test_turns_with_a_language_that_is_written_from_right_to_left(self, mira: Person) -> None:
        answer = await mira.get("/admin/brand/preview", params={**VOICE, "voice.locale": "ar"})
        assert '<html lang="ar" dir="rtl">' in answer.text

    async def test_may_be_framed_by_us_alone_and_runs_nothing(self, mira: Person) -> None:
        for path in ("/admin/brand/preview", "/admin/brand/preview/mail"):
            headers = (await mira.get(path, params=VOICE)).headers
            policy = headers["content-security-policy"]
            assert headers["x-frame-options"] == "SAMEORIGIN" and "frame-ancestors 'self'" in policy
            assert "script-src" not in policy and "default-src 'none'" in policy and "unsafe" not in policy

    async def test_shows_what_cannot_be_read_yet_as_it_is_now(self, mira: Person) -> None:
        broken = {**VOICE, "tokens.primary": "#12", "voice.mail_from": "not an address", "tokens.radius": "900"}
        answer = await mira.get("/admin/brand/preview", params=broken)
        assert answer.status_code == 200 and ".panel.light{--brand:#0B5FFF" in answer.text

    async def test_corrects_a_failing_colour_and_says_so(self, mira: Person) -> None:
        answer = await mira.get("/admin/brand/preview", params={**VOICE, "tokens.primary": "#FFD400"})
        assert "nearest colours that can be read" in answer.text

    async def test_escapes_what_was_typed(self, mira: Person) -> None:
        answer = await mira.get(
            "/admin/brand/preview", params={**VOICE, "voice.name": "</style><script>x</script>", "voice.legal": "<img src=x>"}
        )
        assert "<script>" not in answer.text and "<img src=x>" not in answer.text

    async def test_checks_the_colours_for_the_place_beside_them(self, mira: Person) -> None:
        answer = await mira.get(
            "/admin/brand/check", params={"tokens.primary": "#FFD400", "tokens.surface": "#FFFFFF", "tokens.text": "#14181D"}
        )
        assert "Brand colour" in answer.text and 'data-set="field-tokens.primary"' in answer.text and "<html" not in answer.text


class TestVersions:
    async def test_tell_who_changed_what(self, mira: Person) -> None:
        await publish(mira)
        html = await page(mira, "/admin/brand/versions")
        assert "Version 2" in html and "Mira Holm" in html and "Northwind Logistics Care" in html

    async def test_can_be_shown_again(self, mira: Person) -> None:
        await publish(mira)
        answer = await mira.post("/admin/brand/versions/1/republish")
        assert answer.status_code == 303
        html = await page(mira, "/admin/brand")
        assert "Version 3 is shown" in html and 'value="Northwind Logistics Care"' in html

    async def test_that_are_not_there_are_not_found(self, mira: Person) -> None:
        assert (await mira.post("/admin/brand/versions/99/republish")).status_code == 404
        assert (await mira.get("/admin/brand/preview?version=99")).status_code == 404
