"""Who hears what: the one page that says what happens when something happened.

NOW runs in the event's own transaction, in this order, and changes state only. LATER runs soon after, exactly once for what
it writes here. WORK does what is due. SECTIONS says which room understands which part of a provisioning manifest,
LINKS what a signed link may do.
"""

from app.core.delivery import delivery_work
from app.core.listeners import Later, Listeners, Now, Work

# When this happens … in the same transaction, do that.
NOW: list[Now] = []

# Soon after anything happened …
LATER: list[Later] = []

# When work of this kind is due …
WORK: list[Work] = []

# Which room understands which key of a manifest, in the order they are applied.
SECTIONS: list[object] = []

# What a signed link of this kind shows and does.
LINKS: list[object] = []


def listeners() -> Listeners:
    """All of the above in the form every UnitOfWork is given."""
    named = {w.kind: w for w in WORK}
    base = Listeners(now=tuple(NOW), later=tuple(LATER), work=named)
    return Listeners(now=base.now, later=base.later, work={**named, **delivery_work(base)})
