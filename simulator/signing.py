"""Signatures of webhooks as https://www.standardwebhooks.com prescribes: id, time and body under the source's secret."""

from datetime import datetime

from standardwebhooks.webhooks import Webhook


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a signed webhook."""
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
