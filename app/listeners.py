"""Who hears what: the one page that says what happens when something happened.

NOW runs in the event's own transaction, in this order, and changes state only. LATER runs soon after, exactly once for what
it writes here. WORK does what is due. SECTIONS says which room understands which part of a provisioning manifest,
LINKS what a signed link may do.
"""

from app.audit import handlers as audit
from app.canonical import handlers as canonical
from app.cases import handlers as cases
from app.cases.links import OfferLink
from app.connectors import handlers as connectors
from app.connectors import manifest as connections
from app.core.delivery import delivery_work
from app.core.listeners import Later, Listeners, Now, Work
from app.ingest import handlers as signals
from app.ingest import manifest as ingest
from app.intelligence import handlers as insight
from app.metering import handlers as metering
from app.notifications import alarms
from app.notifications import handlers as notices
from app.notifications import manifest as templates
from app.notifications.document_link import DocumentLink
from app.policies import handlers as policies
from app.policies import manifest as policy_section
from app.workflows import handlers as workflows
from app.workflows import manifest as workflow_section
from branding import manifest as brands
from tenants import handlers as tenants
from tenants.commands.keys import RENEWAL

# When this happens … in the same transaction, do that.
NOW: list[Now] = [
    Now("promise.missed", policies.ask_soon),
    Now("decision.made", cases.on_decision),
    Now("case.opened", workflows.start_for_case),
]

# Soon after anything happened …
LATER: list[Later] = [
    Later("runs", workflows.wake_waits),
    Later("schedules", workflows.start_on_events),
    Later("timeline", cases.keep_timeline),
    Later("attention", cases.attend),
    Later("audit", audit.chain_events),
    Later("metering", metering.count_usage),
    Later("insight", insight.keep_facts),
    Later("acting", tenants.keep_acting),
    Later("alarms", alarms.warn_administrators, pattern="key.*"),
]

# When work of this kind is due …
WORK: list[Work] = [
    Work("run", workflows.advance_runs, claims_itself=True),
    Work("signal", signals.settle_signals, batch=50),
    Work("call", connectors.reconcile_calls, batch=5),
    Work("promise", canonical.promises_due),
    Work("decide", policies.decide_due, batch=20),
    Work("clock", cases.ring_clocks),
    Work("snooze", cases.wake_cases),
    Work("urgency", cases.place_cases),
    Work("queue_order", cases.reorder_queue, batch=1),
    Work("approval", cases.expire_approvals),
    Work("offer", cases.expire_offers),
    Work("consent", tenants.expire_consents),
    Work(audit.ANCHOR, audit.anchor_heads, most_tries=audit.ANCHOR_TRIES),
    Work("notice", notices.deliver, batch=notices.BATCH, lease=notices.LEASE),
    Work(RENEWAL, tenants.remind_of_keys),
]

# Which room understands which key of a manifest, in the order they are applied.
SECTIONS: list[object] = [
    connections.SECTION,
    brands.SECTION,
    *ingest.SECTIONS,
    templates.SECTION,
    policy_section.SECTION,
    workflow_section.SECTION,
]

# What a signed link of this kind shows and does.
LINKS: list[object] = [
    OfferLink(),
    DocumentLink(),
]


def listeners() -> Listeners:
    """All of the above in the form every UnitOfWork is given."""
    named = {w.kind: w for w in WORK}
    base = Listeners(now=tuple(NOW), later=tuple(LATER), work=named)
    return Listeners(now=base.now, later=base.later, work={**named, **delivery_work(base)})
