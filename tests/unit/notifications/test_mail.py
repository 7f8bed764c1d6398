"""Mail as it goes over the wire: one recipient, both forms, no header smuggled in."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest

from app.notifications.mail import MailUnusable, letter, message_id
from app.notifications.schemas import Recipient, Rendered
from branding.schemas import Voice

pytestmark = pytest.mark.feature("M5")
AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
VOICE = Voice(name="Northwind, Care", mail_from="care@northwind.example")
SAID = Rendered(subject="Auftrag verspätet sich – bitte wählen", text="Guten Tag\n", html="<p>Grüße</p>")


def sent(voice: Voice = VOICE, to: Recipient | None = None, content: Rendered = SAID) -> EmailMessage:
    made = letter(voice, to or Recipient("kim@acme.example", "Kim Müller"), content, identity="t|k|kim", locale="de", at=AT)
    return cast(EmailMessage, message_from_bytes(made.raw, policy=default))


class TestLetter:
    def test_carries_text_and_html(self) -> None:
        mail = sent()
        assert mail.get_content_type() == "multipart/alternative"
        text, html = (part.get_content().strip() for part in mail.iter_parts())  # type: ignore[attr-defined]
        assert (text, html) == ("Guten Tag", "<p>Grüße</p>")

    def test_speaks_in_the_partners_name_and_tells_machines_not_to_answer(self) -> None:
        mail = sent()
        assert mail["From"] == '"Northwind, Care" <care@northwind.example>'
        assert mail["To"] == "Kim Müller <kim@acme.example>"
        assert mail["Subject"] == SAID.subject
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime == AT

    def test_shows_no_trace_of_the_maker_in_any_header_or_boundary(self) -> None:
        raw = letter(VOICE, Recipient("kim@acme.example"), SAID, identity="i", locale="de", at=AT).raw
        assert b"detour" not in raw.lower() and b"x-mailer" not in raw.lower() and b"user-agent" not in raw.lower()

    def test_keeps_one_identity_for_one_notice(self) -> None:
        one, again, other = (message_id(key, "northwind.example") for key in ("a", "a", "b"))
        assert one == again != other
        assert one.endswith("@northwind.example>")

    @pytest.mark.parametrize("name", ["Kim\r\nBcc: all@acme.example", "Kim\nX: y", "Kim\rX: y", "Kim\0"])
    def test_refuses_a_header_smuggled_into_a_name(self, name: str) -> None:
        with pytest.raises(MailUnusable):
            sent(to=Recipient("kim@acme.example", name))

    def test_refuses_a_header_smuggled_into_a_subject(self) -> None:
        with pytest.raises(MailUnusable) as refused:
            sent(content=Rendered("Hi\r\nBcc: all@acme.example", "t", "h"))
        assert refused.value.errors[0].pointer == "/Subject"

    @pytest.mark.parametrize("address", ["a@b.example, c@d.example", "a@b.example\r\nDATA", "no-at", "<a@b.example>", "@b.example", ""])
    def test_refuses_what_is_not_exactly_one_address(self, address: str) -> None:
        with pytest.raises(MailUnusable):
            sent(to=Recipient(address))

    def test_sends_answers_to_the_support_address(self) -> None:
        voice = Voice(name="N", mail_from="noreply@n.example", support_email="help@n.example")
        assert sent(voice)["Reply-To"] == "help@n.example"
        assert sent()["Reply-To"] is None

    def test_keeps_every_line_within_what_smtp_allows(self) -> None:
        raw = letter(
            VOICE, Recipient("kim@acme.example"), Rendered("s", "x" * 5000, "<p>" + "é" * 5000), identity="i", locale="de", at=AT
        ).raw
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        assert b"\n" not in raw.replace(b"\r\n", b"")
