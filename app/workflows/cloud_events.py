"""An event as a workflow sees it: the CloudEvents 1.0 form, with the key it was published under as `partitionkey`."""

from typing import Any
from uuid import UUID


def seen(tenant_id: UUID, envelope: dict[str, Any]) -> dict[str, Any]:
    """The stored envelope in that form; who did it and what changed stay inside."""
    return {
        "specversion": "1.0", "id": envelope["id"], "source": f"urn:uuid:{tenant_id}", "type": envelope["type"], "subject": envelope["subject"],
        "time": envelope["occurred_at"], "partitionkey": envelope["key"], "data": envelope["data"],
    }  # fmt: skip
