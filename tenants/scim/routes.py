"""SCIM over HTTP under `/scim/v2`, with an API key of a partner or customer."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post, put

from app.core.errors import FieldError, Invalid, NotFound
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.principal import Principal
from tenants.scim import discovery, patches, people, roles
from tenants.scim.shaping import shaped

MEDIA_TYPE = "application/scim+json"
BASE = "/scim/v2"
_Read: dict[str, Any] = {"permission": "users.read", "any_query": True}
_Write: dict[str, Any] = {"permission": "users.write", "any_query": True, "any_content": True}


class DocumentUnreadable(Invalid):
    """A JSON object was expected."""


class Search(msgspec.Struct):
    """A list's parameters as a document, spelt as the RFC spells them; whatever else it holds is left out."""

    filter: str = ""
    startIndex: Annotated[int, msgspec.Meta(le=10**9)] = 1
    count: int = 100
    attributes: list[str] = []
    excludedAttributes: list[str] = []


@get(f"{BASE}/ServiceProviderConfig", opt=_Read, operation_id="scimProvider", tags=["scim"], media_type=MEDIA_TYPE)
async def get_provider(request: Request[Any, Any, Any], shell: Shell) -> Response[Any]:
    """What of SCIM is supported."""
    return _answer(discovery.provider(_base(request, shell)))


@get(f"{BASE}/ResourceTypes", opt=_Read, operation_id="scimResourceTypes", tags=["scim"], media_type=MEDIA_TYPE)
async def list_resource_types(request: Request[Any, Any, Any], shell: Shell) -> Response[Any]:
    """The kinds of resources."""
    return _answer(discovery.listed(discovery.resource_types(_base(request, shell))))


@get(f"{BASE}/ResourceTypes/{{type_name:str}}", opt=_Read, operation_id="scimResourceType", tags=["scim"], media_type=MEDIA_TYPE)
async def get_resource_type(request: Request[Any, Any, Any], shell: Shell, type_name: str) -> Response[Any]:
    """One kind of resource."""
    return _answer(_named(discovery.resource_types(_base(request, shell)), type_name))


@get(f"{BASE}/Schemas", opt=_Read, operation_id="scimSchemas", tags=["scim"], media_type=MEDIA_TYPE)
async def list_schemas(request: Request[Any, Any, Any], shell: Shell) -> Response[Any]:
    """The attributes of each kind."""
    return _answer(discovery.listed(discovery.schemas(_base(request, shell))))


@get(f"{BASE}/Schemas/{{schema_name:str}}", opt=_Read, operation_id="scimSchema", tags=["scim"], media_type=MEDIA_TYPE)
async def get_schema(request: Request[Any, Any, Any], shell: Shell, schema_name: str) -> Response[Any]:
    """The attributes of one kind."""
    return _answer(_named(discovery.schemas(_base(request, shell)), schema_name))


@get(f"{BASE}/Users", opt=_Read, operation_id="scimListUsers", tags=["scim"], media_type=MEDIA_TYPE)
async def list_users(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork) -> Response[Any]:
    """People of this key's scope; `filter`, `startIndex` and `count` as RFC 7644 has them."""
    found = await people.find(uow, **_asked(request), base=_base(request, shell))
    return _page(found, _list(request, "attributes"), _list(request, "excludedAttributes"))


@post(f"{BASE}/Users", opt=_Write, operation_id="scimCreateUser", tags=["scim"], media_type=MEDIA_TYPE)
async def create_user(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal) -> Response[Any]:
    """Take somebody in."""
    return _resource(request, await people.create(uow, await _document(request), maker=principal, base=_base(request, shell)), status=201)


@get(f"{BASE}/Users/{{user_id:uuid}}", opt=_Read, operation_id="scimGetUser", tags=["scim"], media_type=MEDIA_TYPE)
async def get_user(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, user_id: UUID) -> Response[Any]:
    """One person."""
    return _resource(request, await people.get(uow, user_id, _base(request, shell)))


@put(f"{BASE}/Users/{{user_id:uuid}}", opt=_Write, operation_id="scimReplaceUser", tags=["scim"], media_type=MEDIA_TYPE)
async def replace_user(
    request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal, user_id: UUID
) -> Response[Any]:
    """Somebody as the directory has them now."""
    given = await _document(request)
    return _resource(
        request, await people.replace(uow, user_id, given, maker=principal, base=_base(request, shell), expected=_expected(request))
    )


@patch(f"{BASE}/Users/{{user_id:uuid}}", opt=_Write, operation_id="scimPatchUser", tags=["scim"], media_type=MEDIA_TYPE)
async def patch_user(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal, user_id: UUID) -> Response[Any]:
    """Single attributes of somebody."""
    base = _base(request, shell)
    made = people.patched(await people.get(uow, user_id, base), await _document(request))
    return _resource(request, await people.replace(uow, user_id, made, maker=principal, base=base, expected=_expected(request)))


@delete(f"{BASE}/Users/{{user_id:uuid}}", opt=_Write, operation_id="scimDeleteUser", tags=["scim"])
async def delete_user(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal, user_id: UUID) -> None:
    """Somebody the directory no longer has: suspended and signed out."""
    await people.remove(uow, user_id, maker=principal, base=_base(request, shell), expected=_expected(request))


@post(
    f"{BASE}/Users/.search",
    opt={**_Read, "any_content": True},
    operation_id="scimSearchUsers",
    tags=["scim"],
    media_type=MEDIA_TYPE,
    status_code=200,
)
async def search_users(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork) -> Response[Any]:
    """The same as the list, asked by a document (RFC 7644, 3.4.3), so that no name stands in an address."""
    asked = _search(await _document(request))
    found = await people.find(uow, filter=asked.filter, start=asked.startIndex, count=asked.count, base=_base(request, shell))
    return _page(found, asked.attributes, asked.excludedAttributes)


@post(
    f"{BASE}/.search", opt={**_Read, "any_content": True}, operation_id="scimSearch", tags=["scim"], media_type=MEDIA_TYPE, status_code=200
)
async def search(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork) -> Response[Any]:
    """A search over everything: people first, then roles."""
    asked, base = _search(await _document(request)), _base(request, shell)
    found = await people.find(uow, filter=asked.filter, start=asked.startIndex, count=asked.count, base=base)
    left, before = asked.count - found["itemsPerPage"], found["totalResults"]
    more = await roles.find(uow, filter=asked.filter, start=max(1, asked.startIndex - before), count=left, base=base)
    both = discovery.listed(found["Resources"] + more["Resources"], total=before + more["totalResults"], start=found["startIndex"])
    return _page(both, asked.attributes, asked.excludedAttributes)


@get(f"{BASE}/Groups", opt=_Read, operation_id="scimListGroups", tags=["scim"], media_type=MEDIA_TYPE)
async def list_groups(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork) -> Response[Any]:
    """The roles of this scope."""
    found = await roles.find(uow, **_asked(request), base=_base(request, shell))
    return _page(found, _list(request, "attributes"), _list(request, "excludedAttributes"))


@get(f"{BASE}/Groups/{{role_name:str}}", opt=_Read, operation_id="scimGetGroup", tags=["scim"], media_type=MEDIA_TYPE)
async def get_group(request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, role_name: str) -> Response[Any]:
    """One role and who holds it."""
    return _resource(request, await roles.get(uow, role_name, _base(request, shell)))


@put(f"{BASE}/Groups/{{role_name:str}}", opt=_Write, operation_id="scimReplaceGroup", tags=["scim"], media_type=MEDIA_TYPE)
async def replace_group(
    request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal, role_name: str
) -> Response[Any]:
    """Who holds a role from now on."""
    given = await _document(request)
    return _resource(
        request, await roles.set_members(uow, role_name, given, maker=principal, base=_base(request, shell), expected=_expected(request))
    )


@patch(f"{BASE}/Groups/{{role_name:str}}", opt=_Write, operation_id="scimPatchGroup", tags=["scim"], media_type=MEDIA_TYPE)
async def patch_group(
    request: Request[Any, Any, Any], shell: Shell, uow: UnitOfWork, principal: Principal, role_name: str
) -> Response[Any]:
    """Somebody more or less who holds a role."""
    base = _base(request, shell)
    made = patches.apply({"members": [], **await roles.get(uow, role_name, base)}, await _document(request))
    return _resource(request, await roles.set_members(uow, role_name, made, maker=principal, base=base, expected=_expected(request)))


@post(f"{BASE}/Groups", opt=_Write, operation_id="scimCreateGroup", tags=["scim"], media_type=MEDIA_TYPE)
async def create_group() -> None:
    """Refused: groups are the roles there are."""
    raise roles.GroupsAreRoles()


@delete(f"{BASE}/Groups/{{role_name:str}}", opt=_Write, operation_id="scimDeleteGroup", tags=["scim"], status_code=204)
async def delete_group(uow: UnitOfWork, shell: Shell, role_name: str) -> None:
    """Refused: groups are the roles there are."""
    await roles.get(uow, role_name, BASE)
    raise roles.GroupsAreRoles()


def _resource(request: Request[Any, Any, Any], document: dict[str, Any], *, status: int = 200) -> Response[Any]:
    """A resource with the attributes that were asked for."""
    whole = _answer(document, status=status, known=request.headers.get("if-none-match", "") if request.method == "GET" else "")
    if whole.status_code != 304:
        whole.content = shaped(document, _list(request, "attributes"), _list(request, "excludedAttributes"))
    return whole


def _page(document: dict[str, Any], attributes: list[str], excluded: list[str]) -> Response[Any]:
    """A list whose resources have the attributes that were asked for."""
    return _answer({**document, "Resources": [shaped(each, attributes, excluded) for each in document["Resources"]]})


def _answer(document: dict[str, Any], *, status: int = 200, known: str = "") -> Response[Any]:
    said = document.get("meta", {})
    headers = {name: said[key] for name, key in (("ETag", "version"), ("Location", "location")) if key in said and document.get("id")}
    if known and known == headers.get("ETag"):
        return Response(b"", status_code=304, headers=headers, media_type=MEDIA_TYPE)
    return Response(document, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _base(request: Request[Any, Any, Any], shell: Shell) -> str:
    """The absolute address of this provider, under the host that was asked, which is a verified one."""
    return shell.settings.origin(request.scope["state"]["host"]) + BASE


def _search(document: dict[str, Any]) -> Search:
    try:
        return msgspec.convert(document, Search)
    except msgspec.ValidationError as error:
        raise DocumentUnreadable(f"This is no search: {error}.") from None


def _list(request: Request[Any, Any, Any], name: str) -> list[str]:
    return [each for each in request.query_params.get(name, "").split(",") if each]


def _asked(request: Request[Any, Any, Any]) -> dict[str, Any]:
    given = request.query_params
    try:
        start, count = int(given.get("startIndex", "1")), int(given.get("count", "100"))
    except ValueError:
        raise Invalid("startIndex and count are whole numbers.", errors=[FieldError("startIndex", "is no whole number")]) from None
    return {"filter": given.get("filter", ""), "start": min(start, 10**9), "count": count}


async def _document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    given = await request.json()
    if not isinstance(given, dict):
        raise DocumentUnreadable()
    return given


def _expected(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("if-match", "")


def _named(resources: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    for each in resources:
        if each["id"] == wanted:
            return each
    raise NotFound()


ROUTES = [
    get_provider, list_resource_types, get_resource_type, list_schemas, get_schema, list_users, create_user, get_user, replace_user, patch_user, delete_user,
    search_users, search, list_groups, get_group, replace_group, patch_group, create_group, delete_group,
]  # fmt: skip
