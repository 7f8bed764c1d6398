"""Ready-made requests that show a sender how to post: lines for a shell with curl and openssl, signed as the source wants it."""

from typing import Any

import msgspec

from app.ingest.schemas import SourceView

_BODY = '{"type":"order.cutoff_missed","data":{"orderNumber":"TEST-1","cutoffAt":"2026-11-23T17:00:00+01:00"}}'
_CLOUDEVENT = (
    '{"specversion":"1.0","id":"test-1","source":"/erp","type":"order.recorded",'
    '"data":{"account":"TEST-1","refs":{"order":"TEST-1"},"data":{"status":"open"}}}'
)
_X12 = "interchange.edi"


class Sample(msgspec.Struct, frozen=True):
    """Where to post, how, and what to replace before it works."""

    address: str
    script: str
    needs: str


def sample_of(source: SourceView, origin: str, secret: str) -> Sample:
    """The request for a source; without its secret a variable stands in its place."""
    if source.path:
        return _signed(f"{origin}{source.path}", source.verify, secret)
    if source.kind == "x12":
        return _keyed(f"{origin}/v1/edi?source={source.name}", "application/edi-x12", f"@{_X12}")
    if source.kind == "cloudevents":
        return _keyed(f"{origin}/v1/events?source={source.name}", "application/cloudevents+json", _CLOUDEVENT)
    return _keyed(f"{origin}/v1/in/{source.name}", "application/json", _BODY)


def _keyed(address: str, kind: str, body: str) -> Sample:
    given = f'"{body}"' if body.startswith("@") else f"'{body}'"
    lines = [
        "KEY=…   # an API key with the role source_key for this source",
        f'curl -sS "{address}" \\',
        f'  -H "authorization: Bearer $KEY" -H "content-type: {kind}" \\',
        f"  --data-binary {given}",
    ]
    script = "\n".join(lines)
    return Sample(address, script, "an API key for this source")


def _signed(address: str, verify: dict[str, Any], secret: str) -> Sample:
    lines = [f"SECRET='{secret or '…'}'", f"BODY='{_BODY}'"]
    if verify.get("scheme", "standard_webhooks") == "standard_webhooks":
        lines += [
            "ID=msg_$(date +%s); AT=$(date +%s)",
            "KEY=$(printf %s \"${SECRET#whsec_}\" | base64 -d | od -An -tx1 | tr -d ' \\n')",
            'SIG=$(printf %s "$ID.$AT.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)',
            f'curl -sS "{address}" -H "content-type: application/json" \\',
            '  -H "webhook-id: $ID" -H "webhook-timestamp: $AT" -H "webhook-signature: v1,$SIG" \\',
        ]
    else:
        wrote = "-hex | sed 's/^.* //'" if verify.get("encoding", "hex") == "hex" else "-binary | base64"
        lines += [
            f'SIG=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$SECRET" {wrote})',
            f'curl -sS "{address}" -H "content-type: application/json" \\',
            f'  -H "{verify.get("header", "X-Signature")}: {verify.get("prefix", "")}$SIG" \\',
        ]
    return Sample(address, "\n".join([*lines, '  --data-binary "$BODY"']), "" if secret else "the signing secret")
