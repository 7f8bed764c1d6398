"""What this provider can do and how its resources look (RFC 7643, sections 5 to 7)."""

from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MOST = 200


def provider(base: str) -> dict[str, Any]:
    """The ServiceProviderConfig."""
    no: dict[str, Any] = {"supported": False}
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True}, "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0}, "filter": {"supported": True, "maxResults": MOST},
        "changePassword": no, "sort": no, "etag": {"supported": True},
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "API key", "primary": True,
            "description": "An API key with users.read and users.write, sent as a bearer token.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }  # fmt: skip


def resource_types(base: str) -> list[dict[str, Any]]:
    """The two resource types."""
    return [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name, "endpoint": f"/{name}s", "description": said,
            "schema": schema, "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, schema, said in (("User", USER, "People of this key's scope"), ("Group", GROUP, "Roles; their members hold them"))
    ]  # fmt: skip


def schemas(base: str) -> list[dict[str, Any]]:
    """The attributes we keep; whatever else a directory sends is left out, as the RFC allows."""
    user = [
        _text("userName", "The e-mail address somebody signs in with.", required=True, uniqueness="server"),
        _text("displayName", "The name people see."),
        _complex("emails", "The address again, as a list of one.", [
            _text("value", "The address.", mutability="readOnly"), _flag("primary", "Always true.", mutability="readOnly"),
        ], many=True, mutability="readOnly"),
        _flag("active", "Whether they may sign in; true when left out.", required=True),
        _text("locale", "Language as BCP 47, such as de-AT."),
        _text("timezone", "IANA time zone, such as Europe/Berlin."),
        _complex("groups", "The roles they hold.", [
            _text("value", "The role's id.", mutability="readOnly"), _text("display", "The role's name.", mutability="readOnly"),
        ], many=True, mutability="readOnly"),
    ]  # fmt: skip
    group = [
        _text("displayName", "The role's name.", required=True, mutability="readOnly"),
        _complex("members", "Who holds the role.", [_text("value", "A User's id.", mutability="immutable")], many=True),
    ]
    named = ((USER, "User", user), (GROUP, "Group", group))
    return [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": urn, "name": name, "description": name, "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{urn}"},
        }
        for urn, name, attributes in named
    ]  # fmt: skip


def listed(resources: list[dict[str, Any]], *, total: int | None = None, start: int = 1) -> dict[str, Any]:
    """A ListResponse."""
    found = len(resources)
    return {
        "schemas": [LIST],
        "totalResults": found if total is None else total,
        "startIndex": start,
        "itemsPerPage": found,
        "Resources": resources,
    }


def error(status: int, detail: str, kind: str = "") -> dict[str, Any]:
    """An error as RFC 7644 (3.12) has it; the status is text there."""
    return {"schemas": [ERROR], "status": str(status), "detail": detail, **({"scimType": kind} if kind else {})}


def _text(name: str, said: str, **more: Any) -> dict[str, Any]:
    return _attribute(name, "string", said, **{"uniqueness": "none", "caseExact": False, **more})


def _flag(name: str, said: str, **more: Any) -> dict[str, Any]:
    return _attribute(name, "boolean", said, **more)


def _complex(name: str, said: str, inner: list[dict[str, Any]], *, many: bool = False, **more: Any) -> dict[str, Any]:
    return {**_attribute(name, "complex", said, **more), "multiValued": many, "subAttributes": inner}


def _attribute(name: str, kind: str, said: str, **more: Any) -> dict[str, Any]:
    plain = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": said,
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
    }
    return {**plain, **more}
