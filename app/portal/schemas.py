"""What the portal's own forms bring."""

from typing import Annotated

import msgspec

AREAS = ("/ops", "/ops/runs", "/ops/approvals", "/shipments", "/orders", "/cases")


class NewView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list (`area`, its path) with its filters (`query`, a query string) under a name."""

    area: Annotated[str, msgspec.Meta(max_length=40, pattern=r"^/[a-z/-]*$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
    query: Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    is_shared: bool = False
