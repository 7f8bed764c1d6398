"""The customers' pages: what they say, what they keep to themselves, and that they say it in five languages."""

from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.services import Shell
from app.portal.words import languages
from tenants.models import User
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.home.life import INNER, SECRET_COST, VISIBLE, Life
from tests.integration.portal.people import Page, Person

LARGEST = 60_000


def pages(life: Life) -> list[str]:
    return [
        "/", "/orders", "/orders?late=true", "/orders?show=all&q=7734", "/shipments", "/shipments?show=delivered", f"/orders/{life.choice_order}",
        f"/orders/{life.paper_order}", f"/orders/{life.delivered_order}", f"/orders/{life.moving_order}", f"/shipments/{life.choice_shipment}",
        f"/shipments/{life.lone_shipment}", "/cases", "/cases?only=resolved", f"/cases/{life.choice_case}", f"/cases/{life.solved_case}", "/offers",
        "/offers?only=all", f"/offers/{life.offer}", f"/offers/{life.offer}?option=air", f"/offers/{life.answered_offer}", f"/offers/{life.expired_offer}",
        "/documents", "/documents?only=wanted", f"/documents/{life.paper}", "/inbox", "/inbox?only=unread", "/inbox/messages", "/search", "/search?q=OR",
        "/search?q=ORD-7732", "/search?q=nothing-like-it", "/settings", "/settings/profile", "/settings/notices", "/settings/users",
    ]  # fmt: skip


@pytest.mark.feature("M187")
class TestEveryPage:
    @pytest.mark.parametrize("language", languages())
    async def test_is_shown_in_each_language(self, shell: Shell, tenant: UUID, life: Life, kim: Person, language: str) -> None:
        answer = await kim.post("/settings/profile", {"name": "Kim", "locale": language, "zone": "Europe/Berlin"})
        assert answer.status_code == 303
        for path in pages(life):
            shown = await kim.get(path)
            assert shown.status_code == 200, path
            assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in shown.text, path
            assert len(shown.content) < LARGEST, path

    async def test_keeps_what_is_the_partners_to_itself(self, life: Life, kim: Person) -> None:
        for path in pages(life):
            text = (await kim.get(path)).text
            assert INNER not in text and str(SECRET_COST) not in text and "9.133" not in text and "9,133" not in text, path
            assert "45.200" not in text and "45,200" not in text, path

    async def test_of_one_customer_is_nothing_to_another(self, life: Life, neighbour: Person) -> None:
        for path in pages(life):
            shown = await neighbour.get(path)
            has_id = any(str(id) in path for id in vars(life).values())
            assert shown.status_code == (404 if has_id else 200), path
            assert "ORD-77" not in shown.text.replace("ORD-7732", "" if "q=ORD-7732" in path else "ORD-7732").replace("7734", ""), path

    async def test_is_none_for_the_partners_people(self, life: Life, signed_in: SignIn) -> None:
        ida = await signed_in("operator")
        assert (await ida.get("/")).headers["location"] == "/ops"
        for path in pages(life)[1:-4]:
            assert (await ida.get(path)).status_code == 404, path
        assert (await ida.get("/settings/profile")).status_code == 200


@pytest.mark.feature("M187")
class TestTheOverview:
    async def test_says_first_what_is_needed_then_what_is_late_then_what_arrives(self, life: Life, kim: Person) -> None:
        text = Page((await kim.get("/")).text).text
        order = [
            text.index(part)
            for part in ("We need something from you", "We need your choice by", "Compliance certificate", "SHP-227", "SHP-224")
        ]
        assert order == sorted(order)

    async def test_is_calm_when_nothing_is_there(self, kim: Person) -> None:
        text = Page((await kim.get("/")).text).text
        assert "Nothing here yet" in text

    async def test_says_that_there_is_news_only_to_a_page_that_is_older(self, life: Life, kim: Person) -> None:
        shown = await kim.get("/")
        mark = shown.text.split("mark=")[1].split('"')[0]
        assert "There is news" not in (await kim.get(f"/?mark={mark}")).text
        await kim.post(f"/offers/{life.offer}/answer", {"option": "road"})
        assert "There is news" in (await kim.get(f"/?mark={mark}")).text


@pytest.mark.feature("M187")
class TestAnOrder:
    async def test_says_in_its_first_line_what_is_happening_and_why(self, life: Life, kim: Person) -> None:
        text = Page((await kim.get(f"/orders/{life.choice_order}")).text).text
        assert "Your order ORD-7732 may be late" in text and "Promised" in text and "Nobody has given a new time yet" in text
        assert "missed the warehouse cutoff" in text and "If you say nothing, we take A" in text and VISIBLE in text

    async def test_expects_what_was_chosen(self, life: Life, kim: Person) -> None:
        await kim.post(f"/offers/{life.offer}/answer", {"option": "road"})
        text = Page((await kim.get(f"/orders/{life.choice_order}")).text).text
        assert "Your order ORD-7732 will be late" in text and "as you chose: Next regular departure" in text

    @pytest.mark.parametrize(("number", "found"), [("123456789", "SHP-900"), ("zz-9", "none"), ("ord7734", "SHP-224")])
    async def test_is_found_by_any_number(self, life: Life, kim: Person, number: str, found: str) -> None:
        text = Page((await kim.get(f"/shipments?show=all&q={number}")).text).text
        assert (found in text) if found != "none" else ("Nothing here goes by" in text)


@pytest.mark.feature("M187")
class TestAChoice:
    async def test_that_costs_nothing_is_taken_at_once_and_only_once(self, life: Life, kim: Person) -> None:
        first = await kim.post(f"/offers/{life.offer}/answer", {"option": "road"})
        assert first.status_code == 303 and first.headers["location"] == f"/offers/{life.offer}?done=answered"
        again = await kim.post(f"/offers/{life.offer}/answer", {"option": "road"})
        assert again.status_code == 409 and "Somebody answered this meanwhile" in Page(again.text).text

    async def test_that_costs_money_is_asked_about_first(self, life: Life, kim: Person) -> None:
        asked = await kim.post(f"/offers/{life.offer}/answer", {"option": "air"})
        assert asked.headers["location"] == f"/offers/{life.offer}?option=air"
        page = Page((await kim.get(asked.headers["location"])).text)
        assert "Take option B ?" in page.text and "€240.00" in page.text
        done = await kim.post(f"/offers/{life.offer}/answer", {"option": "air", "confirmed": "yes"})
        assert done.headers["location"].endswith("done=answered")
        assert "This is decided" in Page((await kim.get(f"/offers/{life.offer}")).text).text

    async def test_that_is_over_explains_itself(self, life: Life, kim: Person) -> None:
        assert "This is decided" in Page((await kim.get(f"/offers/{life.answered_offer}")).text).text
        assert "The time to choose is over" in Page((await kim.get(f"/offers/{life.expired_offer}")).text).text

    async def test_is_not_made_by_looking(self, life: Life, kim: Person) -> None:
        await kim.get(f"/offers/{life.offer}?option=road")
        assert "Choose A" in Page((await kim.get(f"/offers/{life.offer}")).text).text


WRONG = b"Order number: ORD-1\nCertificate number: C-77\nValid until: 2031-01-01\nUN number: UN1993\n"
RIGHT = WRONG.replace(b"ORD-1", b"ORD-7733")


@pytest.mark.feature("M187")
class TestADocument:
    async def test_is_refused_naming_the_field_then_accepted_and_given_back_as_a_download(self, life: Life, kim: Person) -> None:
        path = f"/documents/{life.paper}"
        wrong = await kim.post(f"{path}/content", files={"file": ("a.txt", WRONG, "text/plain")})
        assert wrong.status_code == 303
        text = Page((await kim.get(path)).text).text
        assert "Order number is ORD-1 , but we expected ORD-7733" in text and "Send a corrected one" in text
        right = await kim.post(f"{path}/content", files={"file": ("<b>zertifikat ä.txt", RIGHT, "text/plain")})
        assert right.headers["location"] == f"{path}?done=paper_verified"
        kept = await kim.get(f"{path}/content")
        assert kept.content == RIGHT and kept.headers["x-content-type-options"] == "nosniff"
        assert kept.headers["content-type"] == "application/octet-stream"
        assert kept.headers["content-disposition"].startswith('attachment; filename="_b_zertifikat__.txt"')

    @pytest.mark.parametrize(
        ("files", "status", "said"),
        [
            (None, 422, "Choose a file"), ({"file": ("x.txt", b"", "text/plain")}, 422, "Choose a file"),
            ({"file": ("x.png", b"\x89PNG\r\n\x1a\n\x00\x00", "text/plain")}, 415, "This file can't be read"),
        ],
    )  # fmt: skip
    async def test_that_is_none_is_refused_at_its_field(self, life: Life, kim: Person, files: object, status: int, said: str) -> None:
        answer = await kim.post(f"/documents/{life.paper}/content", files=files or {"other": ("a", b"1", "text/plain")})
        assert answer.status_code == status and said in Page(answer.text).text

    async def test_of_another_customer_takes_nothing(self, life: Life, neighbour: Person) -> None:
        answer = await neighbour.post(f"/documents/{life.paper}/content", files={"file": ("a.txt", RIGHT, "text/plain")})
        assert answer.status_code == 404


@pytest.mark.feature("M187")
class TestAQuestion:
    async def test_reaches_the_case_and_is_shown_with_its_authors_name(self, life: Life, kim: Person) -> None:
        asked = await kim.post(f"/cases/{life.choice_case}/ask", {"text": "Can it come by rail? <script>"})
        assert asked.headers["location"] == f"/cases/{life.choice_case}?done=asked"
        text = Page((await kim.get(f"/cases/{life.choice_case}")).text).text
        assert "Kim Doe wrote Can it come by rail? <script>" in text and "Northwind Logistics Care wrote" in text

    async def test_without_words_keeps_its_place_and_says_what_is_needed(self, life: Life, kim: Person) -> None:
        answer = await kim.post(f"/cases/{life.choice_case}/ask", {"text": ""})
        assert answer.status_code == 422 and "Write your message" in Page(answer.text).text


@pytest.mark.feature("M187")
class TestSettings:
    async def test_a_language_is_spoken_from_the_next_page_on(self, kim: Person) -> None:
        await kim.post("/settings/profile", {"name": "Kim Aydin", "locale": "fr", "zone": "Europe/Paris"})
        assert '<html lang="fr"' in (await kim.get("/settings")).text

    async def test_half_quiet_hours_are_refused_at_the_missing_field(self, kim: Person) -> None:
        answer = await kim.post("/settings/notices", {"documents": "later", "updates": "never", "mentions": "now", "quiet_from": "22:00"})
        assert answer.status_code == 422 and 'id="wrong-quiet_until"' in answer.text and 'value="22:00"' in answer.text

    async def test_preferences_are_kept(self, kim: Person) -> None:
        wanted = {"documents": "later", "updates": "never", "mentions": "now", "quiet_from": "22:00", "quiet_until": "06:00"}
        assert (await kim.post("/settings/notices", wanted)).status_code == 303
        told = (await kim.client.get("/v1/preferences")).json()
        assert told == wanted

    async def test_an_administrator_invites_suspends_and_lets_in_again(self, shell: Shell, tenant: UUID, kim: Person) -> None:
        new = {"email": "robin@acme.example", "role": "customer_user", "name": "Robin"}
        assert (await kim.post("/settings/users", new)).headers["location"].endswith("done=invited")
        async with shell.read(tenant) as uow:
            robin = (await uow.execute(select(User.id).where(User.email == new["email"]))).scalar_one()
        assert (await kim.post("/settings/users", new)).status_code == 409
        for what, done in (("suspend", "user_suspended"), ("restore", "user_restored")):
            assert (await kim.post(f"/settings/users/{robin}/{what}")).headers["location"].endswith(done)
        assert (await kim.post(f"/settings/users/{robin}/role", {"role": "customer_admin"})).status_code == 303
        assert (await kim.post(f"/settings/users/{kim.user_id}/suspend")).status_code == 409

    async def test_a_colleague_sees_no_form_to_invite(self, signed_in: SignIn) -> None:
        assert (await (await signed_in("customer_user")).get("/settings/users")).status_code in (403, 404)
