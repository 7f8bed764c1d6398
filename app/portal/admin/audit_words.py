"""What the log's entries say in plain words, and how they are grouped for those who look for something."""

import re
from collections.abc import Mapping
from typing import Any

from app.audit.schemas import AuditView

SETTINGS = (
    "brand", "logo", "domain", "customer", "user", "role", "key", "identity_provider", "source", "attribution", "mapping", "policy",
    "workflow", "template", "connection", "queue_weights", "environment", "manifest",
)  # fmt: skip
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "settings": ("Settings", SETTINGS),
    "people": ("People and access", ("user", "role", "key", "identity_provider", "session", "sign_in", "access", "consent", "acting")),
    "cases": ("Cases", ("case", "approval", "offer", "decision", "handover", "deviation")),
    "in": ("What came in", ("signal", "order", "shipment", "document", "link")),
    "out": ("What went out", ("call", "breaker", "message", "notice")),
    "runs": ("Runs", ("run", "work")),
    "audit": ("Audit", ("audit",)),
}
_SAID: Mapping[str, str] = {
    "brand.published": "published version {version} of the brand",
    "logo.added": "added a logo",
    "domain.added": "added the domain {host}",
    "domain.verified": "proved the domain {host}",
    "domain.preferred": "made {host} the address that links use",
    "domain.removed": "removed the domain {host}",
    "customer.created": "added the customer {name}",
    "customer.updated": "changed the customer {slug}: {fields}",
    "user.created": "invited somebody as {role}",
    "user.updated": "changed somebody's details",
    "user.role_granted": "gave the role {role}",
    "user.role_revoked": "took the role {role}",
    "user.suspended": "suspended somebody",
    "user.restored": "let somebody in again",
    "user.identity_bound": "was recognised through {provider}",
    "role.created": "made the role {name}",
    "role.updated": "changed the role {name}",
    "role.deleted": "deleted the role {name}",
    "key.created": "made the key {key}",
    "key.rotated": "rotated the key {key}; its successor is {successor}",
    "key.revoked": "revoked the key {key}",
    "key.superseded_used": "went on using the replaced key {key}",
    "identity_provider.created": "added the identity provider {name}",
    "identity_provider.updated": "changed the identity provider {name}: {fields}",
    "identity_provider.confirmed": "confirmed the domains {domains}",
    "identity_provider.deleted": "removed the identity provider {name}",
    "source.created": "opened the source {name}",
    "source.changed": "changed the source {name}",
    "source.rotated": "gave the source {name} a new secret",
    "source.disabled": "closed the source {name}",
    "source.enabled": "opened the source {name} again",
    "attribution.published": "put {rules} rules in force that say whose messages are whose",
    "mapping.drafted": "drafted version {version} of the mapping {name}",
    "mapping.published": "published version {version} of the mapping {name}",
    "mapping.retired": "retired the mapping {name}",
    "policy.drafted": "drafted version {version} of the policy {name}",
    "policy.published": "published version {version} of the policy {name}",
    "policy.retired": "retired the policy {name}",
    "workflow.drafted": "drafted version {version} of the workflow {name}",
    "workflow.published": "published version {version} of the workflow {name}",
    "workflow.retired": "retired the workflow {name}",
    "workflow.missed": "found no workflow {name} to start",
    "template.drafted": "drafted a version of the template {name}",
    "template.published": "published a version of the template {name}",
    "template.retired": "retired the template {name}",
    "connection.created": "made the connection {name}",
    "connection.changed": "changed the connection {name}",
    "connection.rotated": "gave the connection {name} a new secret",
    "connection.disabled": "switched the connection {name} off",
    "connection.enabled": "switched the connection {name} on",
    "connection.tested": "tested the connection {name}",
    "manifest.applied": "applied a manifest",
    "environment.created": "created the environment",
    "session.started": "signed in on {host}",
    "session.ended": "ended a session",
    "sign_in.requested": "asked for a sign-in link",
    "access.denied": "was refused: {reason}",
    "audit.verified": "verified the log",
    "case.opened": "opened a case",
    "case.resolved": "resolved the case",
    "case.escalated": "escalated the case",
    "signal.accepted": "sent a message through {source}",
    "signal.mapped": "read a message",
    "signal.parked": "parked a message",
    "signal.replayed": "tried a message again",
    "decision.made": "decided by the policy {policy}",
    "case.acknowledged": "took notice of the case",
    "case.assigned": "gave the case to somebody",
    "case.commented": "commented on the case",
    "case.proposed": "proposed what to do",
    "case.continued": "went on with the case",
    "case.snoozed": "put the case off",
    "case.reopened": "opened the case again",
    "case.reprioritised": "changed how urgent the case is",
    "approval.requested": "asked for approval",
    "approval.decided": "decided an approval",
    "approval.used": "used an approval",
    "approval.expired": "let an approval run out",
    "offer.made": "made an offer",
    "offer.answered": "answered an offer",
    "offer.expired": "let an offer run out",
    "link.issued": "made a link for somebody",
    "link.used": "used a link",
    "notice.queued": "wrote a mail",
    "notice.attempted": "tried to send a mail",
    "notice.delivered": "sent a mail",
    "notice.bounced": "had a mail come back",
    "notice.withdrawn": "took a mail back",
    "message.held": "wrote a mail that waits a moment",
    "message.undone": "took a mail back in time",
    "run.started": "started a run",
    "run.completed": "finished the run",
    "run.faulted": "stopped the run with a fault",
    "run.suspended": "left the run to a person",
    "run.resumed": "let the run go on",
    "run.cancelled": "cancelled the run",
    "task.started": "began a step",
    "task.completed": "finished a step",
    "task.failed": "failed at a step",
    "task.retried": "tried a step again",
    "call.started": "asked another system",
    "call.succeeded": "got an answer from another system",
    "call.failed": "got no use out of another system",
    "call.unknown": "doesn't know what another system did",
    "breaker.opened": "holds calls back after failures",
    "breaker.closed": "lets calls go again",
    "document.verified": "found a document in order",
    "document.rejected": "found a document wrong",
    "document.uploaded": "uploaded a document",
    "order.recorded": "recorded an order",
    "shipment.recorded": "recorded a shipment",
    "shipment.milestone_recorded": "recorded where a shipment is",
    "order.cutoff_missed": "recorded a missed cutoff",
}
_FIELD = re.compile(r"\{(\w+)\}")


def sentence(entry: AuditView) -> str:
    """Return what an entry says happened, in words that follow the name of who did it."""
    said = _SAID.get(entry.type)
    data = entry.data or {}
    if said is None or any(name not in data for name in _FIELD.findall(said)):
        return entry.type.replace("_", " ").replace(".", " · ")
    return _FIELD.sub(lambda found: _short(data[found[1]]), said)


def families(group: str) -> tuple[str, ...]:
    """Return the beginnings of types that belong to a group; none for all."""
    return GROUPS[group][1] if group in GROUPS else ()


def _short(value: Any) -> str:
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
