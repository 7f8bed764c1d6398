"""The doors: CloudEvents, webhooks and X12. A message is stored before it is answered and understood afterwards."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import orjson
from litestar import Request, Response, post

from app.core import telemetry
from app.core.errors import Fault, Invalid, Unavailable
from app.core.ids import time_of
from app.core.parsing import inflate, parse_json, parse_json_batch
from app.core.services import Shell
from app.ingest.arrival import Arrival, kept_headers
from app.ingest.commands.accept import accept_signal
from app.ingest.directory import Known
from app.ingest.routes.doors import door, webhook_door
from app.ingest.schemas import Acknowledgment, BatchItem, BatchReceipt, Name, Receipt
from app.ingest.sources import cloudevents, edi_x12, webhook
from app.ingest.sources.x12_acknowledgment import acknowledge
from app.ingest.sources.x12_envelope import Interchange
from app.ingest.sources.x12_syntax import MAX_BYTES, TooLarge
from tenants.principal import Principal

JSON_BYTES = 1024 * 1024
BATCH_BYTES = 8 * 1024 * 1024
_LARGE = 64 * 1024
_AnyRequest = Request[Any, Any, Any]


class EncodingUnknown(Invalid):
    """Send the body plain or compressed with gzip."""

    status = 415


class EmptyBody(Invalid):
    """The body is empty; send the message in it."""

    status = 422


@post(
    "/v1/events", opt={"permission": "signals.create"}, operation_id="acceptEvents", tags=["in"], status_code=202,
    request_max_body_size=BATCH_BYTES, summary="Accept CloudEvents: structured, binary or a batch",
)  # fmt: skip
async def accept_events(
    request: _AnyRequest, shell: Shell, principal: Principal, source: Name | None = None
) -> Response[Receipt | BatchReceipt]:
    """One event gets a receipt (202; 200 with `duplicate` when it came before), a batch an answer for each event."""
    content_type = request.headers.get("content-type", "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    mode = cloudevents.mode_of(content_type, headers)
    raw = await _body(request, BATCH_BYTES if mode == "batch" else JSON_BYTES)
    known = await door(shell, principal, source, "cloudevents")
    if mode == "batch":
        return await _batch(request, shell, principal, known, raw)
    if mode == "structured":
        event = cloudevents.from_document(parse_json(raw))
    else:
        event = cloudevents.from_request(headers, content_type, raw, parse_json)
    receipt = await accept_signal(shell, _event(request, principal, known, raw, content_type, event))
    return Response(receipt, status_code=200 if receipt.duplicate else 202)


@post(
    "/v1/in/{source_name:str}", opt={"public": True, "any_query": True}, operation_id="acceptWebhook", tags=["in"], status_code=202,
    request_max_body_size=JSON_BYTES, summary="Accept a webhook of any shape, proven by its signature or an API key",
)  # fmt: skip
async def accept_webhook(request: _AnyRequest, shell: Shell, source_name: str) -> Response[Receipt]:
    """Whatever the body is, it is kept; what can't be read or mapped is parked. A sender's retry gets 200 and `duplicate`."""
    known, actor, customer = await webhook_door(request, shell, source_name)
    raw = await _body(request, JSON_BYTES)
    if not raw:
        raise EmptyBody()
    headers = {name.lower(): value for name, value in request.headers.items()}
    sender_id = headers.get("idempotency-key", "")
    if known.verification.scheme != "key":
        sender_id = webhook.verify(known.verification, known.secrets, headers, raw, shell.clock.now())
    arrival = Arrival(
        tenant_id=known.tenant_id, customer_id=known.customer_id or customer, source=known.name, kind="webhook", actor=actor, raw=raw,
        content_type=request.headers.get("content-type", "")[:200], headers=kept_headers(headers), sender_id=sender_id or None, **_traces(request),
    )  # fmt: skip
    receipt = await accept_signal(shell, arrival)
    return Response(receipt, status_code=200 if receipt.duplicate else 202)


@post(
    "/v1/edi", opt={"permission": "signals.create"}, operation_id="acceptEdi", tags=["in"], status_code=202,
    request_max_body_size=MAX_BYTES, summary="Accept an X12 document and answer with its 997",
)  # fmt: skip
async def accept_edi(request: _AnyRequest, shell: Shell, principal: Principal, source: Name | None = None) -> Response[Any]:
    """The 997 stands in a JSON answer, or is the answer where application/edi-x12 is accepted; what can't be read is kept all the same."""
    known = await door(shell, principal, source, "x12")
    raw = await _body(request, MAX_BYTES)
    if not raw.strip():
        raise EmptyBody()
    documents, unreadable = await _read_edi(raw, known)
    arrival = Arrival(
        tenant_id=known.tenant_id, customer_id=known.customer_id or principal.customer_id, source=known.name, kind="x12", actor=principal.actor,
        raw=raw, content_type=request.headers.get("content-type", "")[:200], **_traces(request),
    )  # fmt: skip
    receipt = await accept_signal(shell, arrival)
    if unreadable is not None:
        unreadable.extra["receipt"] = receipt.id
        raise unreadable
    return _edi_answer(request, receipt, documents)


async def _read_edi(raw: bytes, known: Known) -> tuple[list[Interchange], Fault | None]:
    try:
        if len(raw) > _LARGE:
            return await asyncio.to_thread(edi_x12.read, raw, strict=known.is_strict), None
        return edi_x12.read(raw, strict=known.is_strict), None
    except TooLarge:
        raise
    except Fault as fault:
        return [], fault


def _edi_answer(request: _AnyRequest, receipt: Receipt, documents: list[Interchange]) -> Response[Any]:
    # Number and time come from the receipt: the same document sent again gets the same acknowledgment.
    written = acknowledge(documents, control=control_number(receipt.id), now=time_of(receipt.id))
    status = 200 if receipt.duplicate else 202
    if edi_x12.MEDIA_TYPE in request.headers.get("accept", ""):
        headers = {"location": receipt.status_url, "content-type": edi_x12.MEDIA_TYPE}
        return Response(written, status_code=status, headers=headers, media_type=edi_x12.MEDIA_TYPE)
    found = [*(f for d in documents for f in d.findings), *(f for d in documents for g in d.groups for f in g.findings)]
    found += [f for item in edi_x12.items(documents) for f in item.findings]
    sets = sum(1 for _ in edi_x12.items(documents))
    findings = [msgspec.to_builtins(f) for f in found[:200]]
    return Response(Acknowledgment(receipt=receipt, sets=sets, findings=findings, acknowledgment=written.decode()), status_code=status)


def control_number(signal_id: UUID) -> int:
    """Return the interchange control number (1..999,999,999) of the 997 that answers a signal."""
    return signal_id.int % 999_999_999 + 1


async def _batch(request: _AnyRequest, shell: Shell, principal: Principal, known: Known, raw: bytes) -> Response[Receipt | BatchReceipt]:
    parse_json_batch(raw)  # the gate: limits, duplicate keys, NUL
    slices = [bytes(one) for one in msgspec.json.decode(raw, type=list[msgspec.Raw])]  # each event exactly as it was sent
    items = await asyncio.gather(*(_batch_item(request, shell, principal, known, index, one) for index, one in enumerate(slices)))
    accepted = sum(item.status == 202 for item in items)
    duplicates = sum(item.status == 200 for item in items)
    answer = BatchReceipt(accepted=accepted, duplicates=duplicates, refused=len(items) - accepted - duplicates, items=list(items))
    return Response(answer, status_code=202 if accepted else 200 if duplicates or not items else 422)


async def _batch_item(request: _AnyRequest, shell: Shell, principal: Principal, known: Known, index: int, raw: bytes) -> BatchItem:
    try:
        event = cloudevents.from_document(orjson.loads(raw), f"/{index}")
        receipt = await accept_signal(shell, _event(request, principal, known, raw, cloudevents.STRUCTURED, event))
    except Unavailable:
        raise  # nobody can tell what of the rest would be kept: send all of it again, what is kept is named as duplicate
    except Fault as fault:
        errors = [msgspec.to_builtins(e) for e in fault.errors]
        problem = {
            "type": f"/problems/{fault.slug}",
            "title": fault.title,
            "status": fault.status,
            "detail": fault.detail,
            "errors": errors,
        }
        return BatchItem(status=fault.status, problem=problem)
    return BatchItem(status=200 if receipt.duplicate else 202, receipt=receipt)


def _event(request: _AnyRequest, principal: Principal, known: Known, raw: bytes, content_type: str, event: dict[str, Any]) -> Arrival:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Arrival(
        tenant_id=principal.tenant, customer_id=known.customer_id or principal.customer_id, source=known.name, kind="cloudevents", actor=principal.actor,
        raw=raw, content_type=content_type[:200], headers=kept_headers(headers), sender_id=f"{event['source']} {event['id']}", **_traces(request),
    )  # fmt: skip


async def _body(request: _AnyRequest, most: int) -> bytes:
    raw: bytes = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        return inflate(raw, most)
    if encoding not in ("", "identity"):
        raise EncodingUnknown()
    return raw


def _traces(request: _AnyRequest) -> dict[str, Any]:
    return {"cause": f"request:{request.scope['state'].get('request_id')}", "trace": telemetry.trace_id.get()}


ROUTES = [accept_events, accept_webhook, accept_edi]
