"""Signatures are verified over the raw bytes, within five minutes, against every secret a rotation leaves valid."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from app.ingest.sources import webhook
from app.ingest.sources.webhook import BadSecret, SignatureRefused, SignatureTooOld, Verification
from tests.unit.ingest import shared_data

pytestmark = pytest.mark.feature("M11")
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER = "whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode()
RAW = b'{"order":"ORD-7731","note":"caf\xc3\xa9"}'
STANDARD = Verification()


def signed(secret: str = SECRET, *, at: datetime = NOW, raw: bytes = RAW, message: str = "msg_1") -> dict[str, str]:
    """Headers as the reference library signs them."""
    signature = Webhook(secret).sign(message, at, raw.decode())
    return {"webhook-id": message, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def verify(
    headers: dict[str, str], *, raw: bytes = RAW, secrets: tuple[str, ...] = (SECRET,), now: datetime = NOW, how: Verification = STANDARD
) -> str:
    return webhook.verify(how, [s.encode() for s in secrets], headers, raw, now)


class TestStandardWebhooks:
    def test_agrees_with_the_published_vector(self) -> None:
        vector = orjson.loads((shared_data.folder("standard-webhooks") / "vector.json").read_bytes())["vectors"][0]
        headers = {"webhook-id": vector["msg_id"], "webhook-timestamp": str(vector["timestamp"]), "webhook-signature": vector["signature"]}
        at = datetime.fromtimestamp(vector["timestamp"], UTC)
        assert verify(headers, raw=vector["payload"].encode(), secrets=(vector["secret"],), now=at) == vector["msg_id"]

    def test_agrees_with_the_reference_library_and_returns_the_senders_id(self) -> None:
        assert verify(signed(message="msg_42")) == "msg_42"

    def test_takes_any_of_several_signatures_and_secrets(self) -> None:
        both = signed()["webhook-signature"] + " v1a,zzz " + signed(OTHER)["webhook-signature"]
        assert verify(signed() | {"webhook-signature": both}, secrets=(OTHER,)) == "msg_1"
        assert verify(signed(OTHER), secrets=(SECRET, OTHER)) == "msg_1"

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_refuses_a_signature_from_another_time(self, minutes: int) -> None:
        with pytest.raises(SignatureTooOld):
            verify(signed(at=NOW + timedelta(minutes=minutes)))

    @pytest.mark.parametrize("minutes", [-5, 5])
    def test_accepts_five_minutes_either_way(self, minutes: int) -> None:
        assert verify(signed(at=NOW + timedelta(minutes=minutes))) == "msg_1"

    def test_refuses_another_secret_body_id_or_time(self) -> None:
        stamp = str(int(NOW.timestamp()) + 1)
        for headers, raw in [
            (signed(OTHER), RAW),
            (signed(), RAW + b" "),
            (signed() | {"webhook-id": "msg_2"}, RAW),
            (signed() | {"webhook-timestamp": stamp}, RAW),
        ]:
            with pytest.raises(SignatureRefused):
                verify(headers, raw=raw)

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_refuses_a_request_without_one_of_its_headers(self, name: str) -> None:
        with pytest.raises(SignatureRefused, match="Send the headers"):
            verify({k: v for k, v in signed().items() if k != name})

    @pytest.mark.parametrize("stamp", ["now", "1e9", "-5", "99999999999999999999", "٣"])
    def test_refuses_a_timestamp_that_is_none(self, stamp: str) -> None:
        with pytest.raises(SignatureRefused):
            verify(signed() | {"webhook-timestamp": stamp})

    @pytest.mark.parametrize("signature", ["v1,", "v1", "v2,AAAA", "v1,not base64!", ""])
    def test_refuses_a_signature_that_is_none(self, signature: str) -> None:
        with pytest.raises(SignatureRefused):
            verify(signed() | {"webhook-signature": signature})

    def test_refuses_everything_when_no_secret_is_valid(self) -> None:
        with pytest.raises(SignatureRefused):
            verify(signed(), secrets=())


class TestPlainHmac:
    def test_knows_hex_behind_a_prefix_and_base64_without(self) -> None:
        digest = hmac.new(b"vendor-secret-of-16", RAW, hashlib.sha256).digest()
        github = Verification("hmac_sha256", header="X-Hub-Signature-256", prefix="sha256=", id_header="X-Delivery")
        shop = Verification("hmac_sha256", header="X-Shop-Hmac-Sha256", encoding="base64")
        headers = {
            "x-hub-signature-256": "sha256=" + digest.hex(),
            "x-shop-hmac-sha256": base64.b64encode(digest).decode(),
            "x-delivery": "d-1",
        }
        assert verify(headers, secrets=("vendor-secret-of-16",), how=github) == "d-1"
        assert verify(headers, secrets=("vendor-secret-of-16",), how=shop) == ""

    @pytest.mark.parametrize("sent", ["", "sha256=zz", "sha256=" + "00" * 32, "00"])
    def test_refuses_anything_else(self, sent: str) -> None:
        how = Verification("hmac_sha256", header="X-Signature", prefix="sha256=")
        with pytest.raises(SignatureRefused):
            verify({"x-signature": sent}, secrets=("vendor-secret-of-16",), how=how)


class TestCheckSecret:
    @pytest.mark.parametrize("secret", ["whsec_!!!", "whsec_AAAA", ""])
    def test_refuses_what_protects_nothing(self, secret: str) -> None:
        with pytest.raises(BadSecret):
            webhook.check_secret(STANDARD, secret)

    def test_accepts_twenty_four_bytes(self) -> None:
        webhook.check_secret(STANDARD, SECRET)
