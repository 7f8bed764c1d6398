"""Roles and permissions in plain words."""

from collections.abc import Mapping

ROLES: Mapping[str, str] = {
    "partner_admin": "Sets everything up: brand, people, sources, policies, workflows. Handles no cases and decides no approvals.",
    "operator": "Handles cases: takes them, proposes, makes offers, steers runs.",
    "approver": "Handles cases and decides what needs a second person.",
    "analyst": "Reads everything, tries policies on past signals, changes nothing.",
    "customer_admin": "A customer's own administrator: its people, keys and sign-in; answers offers.",
    "customer_user": "A customer's person: follows shipments and cases, answers offers, uploads documents.",
    "source_key": "A key for one system that sends messages, and nothing else.",
}

# What belongs together, in the order an administrator thinks of it; each permission in the words of what one can do with it.
PERMISSIONS: Mapping[str, Mapping[str, str]] = {
    "Cases": {
        "cases.read": "See cases and the queue", "cases.comment": "Comment on cases", "cases.work": "Work on cases: take, comment, snooze, resolve", "cases.propose": "Propose what to do",
        "approvals.read": "See what waits for approval", "approvals.decide": "Decide approvals", "offers.read": "See offers",
        "offers.make": "Make offers to customers", "offers.answer": "Answer offers", "notices.read": "See mails that went out",
        "documents.write": "Upload and check documents",
    },
    "Orders and signals": {
        "model.read": "See orders, shipments and parties", "signals.read": "See messages that came in", "signals.create": "Send messages in",
        "signals.replay": "Try messages again, send test messages",
    },
    "Workflows": {
        "runs.read": "See runs", "runs.work": "Steer runs: retry, skip, cancel", "workflows.read": "See workflows", "workflows.write": "Write workflows",
        "workflows.publish": "Put workflows in force",
    },
    "Policies": {
        "policies.read": "See policies", "policies.write": "Write policies", "policies.publish": "Put policies in force",
        "policies.simulate": "Try policies on past signals",
    },
    "Ways in and out": {
        "sources.read": "See sources", "sources.write": "Open and change sources", "mappings.read": "See mappings", "mappings.write": "Write mappings",
        "mappings.publish": "Put mappings in force", "connections.read": "See connections and calls", "connections.write": "Make and change connections",
        "templates.read": "See templates", "templates.write": "Write and publish templates",
    },
    "People": {
        "customers.read": "See customers", "customers.write": "Add and change customers", "users.read": "See people and roles",
        "users.write": "Invite people, give roles, make roles", "keys.read": "See keys", "keys.write": "Make, rotate and revoke keys",
        "identity.read": "See identity providers", "identity.write": "Set up identity providers", "consent.read": "See who may act for a customer",
        "consent.ask": "Ask to act for a customer", "consent.decide": "Let somebody act for one",
    },
    "The account": {
        "partners.read": "See the partner and its environments", "brand.read": "See the brand and the console's start",
        "brand.write": "Change the brand and domains", "usage.read": "See usage", "audit.read": "See the log", "audit.verify": "Verify the log",
        "provisioning.write": "Apply manifests",
    },
}  # fmt: skip


def known(permissions: frozenset[str] | set[str]) -> dict[str, dict[str, str]]:
    """Return these permissions in their groups, each in words; one without words of its own under "More" by its name."""
    found = {group: {name: said for name, said in items.items() if name in permissions} for group, items in PERMISSIONS.items()}
    rest = sorted(permissions - {name for items in PERMISSIONS.values() for name in items})
    return {group: items for group, items in (*found.items(), ("More", {name: name.replace(".", ": ") for name in rest})) if items}


def role_word(name: str) -> str:
    """Return a role's name as people read it."""
    return name.replace("_", " ").capitalize()
