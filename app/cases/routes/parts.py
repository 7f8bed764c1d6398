"""What the routes of cases share: parameters, the version a caller saw, and the answer that carries the case's version."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import HeaderParameter, Parameter

from app.cases import queries
from app.cases.models import Case
from app.cases.schemas import CaseView
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork

Limit = Annotated[int, Parameter(ge=1, le=200)]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", required=False, max_length=40, description='The ETag of the case as it was read, such as "7".'),
]
WORK: Final[dict[str, Any]] = {"opt": {"permission": "cases.work"}, "tags": ["cases"], "status_code": 200}
READ: Final[dict[str, Any]] = {"opt": {"permission": "cases.read"}, "tags": ["cases"]}

_TAG: Final = re.compile(r'^(?:W/)?"(\d{1,18})"$')


def version_of(if_match: str | None) -> int | None:
    """The version an If-Match names; None without one, or for any (`*`). Raises Invalid for what no answer of ours carried."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.match(if_match.strip())
    if match is None:
        raise Invalid(
            "The If-Match is not an ETag of a case.",
            errors=[FieldError("If-Match", "not an ETag of a case", 'Send the ETag as it came: "7".')],
        )
    return int(match.group(1))


async def shown(uow: UnitOfWork, case_id: UUID) -> Response[CaseView]:
    """The case after what was done, with its version as the ETag."""
    # Whoever hears of it in this transaction has their say first, so that the version is the one that stays.
    await uow.settle()
    await uow.session.flush()
    case = await uow.get(Case, case_id)
    view = await queries.case(uow, case_id)
    # How often the case moved on tells a customer how much is said of it behind their back.
    headers = {"etag": f'"{case.version}"'} if uow.customer_id is None else {}
    return Response(view, headers=headers, status_code=200)
