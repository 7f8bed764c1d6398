"""The mailbox keeps what it is given, whole."""

import smtplib
from email.message import EmailMessage

import pytest

from tests.unit.simulator.world import World


def _send(address: str, to: str, subject: str = "Auftrag verspätet") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "care@northwind.example", to, subject
    message.set_content("Guten Tag")
    message.add_alternative("<p>Guten Tag</p>", subtype="html")
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as smtp:
        smtp.send_message(message)


class TestMailbox:
    def test_a_message_is_readable_by_its_recipient(self, world: World, addresses: dict[str, str]) -> None:
        _send(addresses["smtp"], "Kim@acme.example")
        (message,) = world.client.get("/mail/messages", params={"to": "kim@acme.example"}).json()["messages"]
        assert message["subject"] == "Auftrag verspätet"
        assert "Guten Tag" in message["text"]
        assert "<p>Guten Tag</p>" in message["html"]

    def test_a_refusal_on_demand_keeps_nothing(self, world: World, addresses: dict[str, str]) -> None:
        world.client.post("/control/faults", json={"kind": "down", "system": "mail", "times": 1})
        with pytest.raises(smtplib.SMTPDataError) as refused:
            _send(addresses["smtp"], "later@acme.example")
        assert refused.value.smtp_code == 451
        assert world.client.get("/mail/messages", params={"to": "later@acme.example"}).json()["messages"] == []

    def test_people_read_it_in_a_browser(self, world: World, addresses: dict[str, str]) -> None:
        _send(addresses["smtp"], "reader@acme.example", "<b>Late</b>")
        seq = world.client.get("/mail/messages", params={"to": "reader@acme.example"}).json()["messages"][0]["seq"]
        listed = world.client.get("/mail", params={"to": "reader@acme.example"}).text
        assert f'href="/mail/{seq}">&lt;b&gt;Late&lt;/b&gt;</a>' in listed
        letter = world.client.get(f"/mail/{seq}")
        assert letter.headers["content-type"].startswith("text/html") and "&lt;p&gt;Guten Tag&lt;/p&gt;" in letter.text
        assert world.client.get("/mail/999999").status_code == 404
