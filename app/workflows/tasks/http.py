"""`call: http`: the request as the definition writes it, and the answer as the specification reads it.

Source: Open Workflow Specification 1.0.3, "HTTP Call", "URI Template" (RFC 6570 simple expansion only), "HTTP Response".
"""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from app.workflows import expressions
from app.workflows.definition import Endpoint
from app.workflows.problems import TaskFault, standard
from app.workflows.reader import NOT_AVAILABLE, Reader, escape

FIELDS = ("method", "endpoint", "headers", "body", "query", "output", "redirect")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Asking again changes nothing at the peer, so another attempt asks again instead of repeating the old answer.
SAFE = ("GET", "HEAD", "OPTIONS")
OUTPUTS = ("content", "raw", "response")
SCHEMES = {"basic": ("username", "password"), "bearer": ("token",)}
_VARIABLE = re.compile(r"\{([^{}]*)\}")
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")


def read(reader: Reader, value: Any, at: str) -> dict[str, Any]:
    """The arguments as one plain template, with the endpoint flattened to `uri` and `authentication`."""
    fields = reader.mapping(value, at, known=FIELDS, need=("method", "endpoint"))
    method = str(fields.get("method", "")).upper()
    if method not in METHODS:
        reader.wrong(f"{at}/method", f"must be one of {', '.join(METHODS)}")
    for name in ("headers", "query"):
        if name in fields and not expressions.is_expression(fields[name]):
            for key, each in reader.mapping(fields[name], f"{at}/{name}").items():
                if not isinstance(each, str):
                    reader.wrong(f"{at}/{name}/{escape(key)}", "must be a text")
    if isinstance(fields.get("headers"), dict):
        _no_credentials(reader, fields["headers"], f"{at}/headers")
    reader.choice(fields.get("output", "content"), f"{at}/output", OUTPUTS)
    if not isinstance(fields.get("redirect", False), bool):
        reader.wrong(f"{at}/redirect", "must be true or false")
    uri, authentication = _endpoint(reader, fields.get("endpoint"), f"{at}/endpoint")
    kept: dict[str, Any] = {name: fields[name] for name in ("headers", "body", "query") if name in fields}
    return {"method": method, "uri": uri, "authentication": authentication, **kept}


def request(filled: dict[str, Any], written: Any, value: Any, ref: str) -> dict[str, Any]:
    """The request to send: URI expanded, query appended, headers as text."""
    uri = filled["uri"]
    if not expressions.is_expression(written):
        uri = _VARIABLE.sub(lambda match: _expand(match.group(1), value, ref), uri)
    if not isinstance(uri, str) or urlsplit(uri).scheme not in ("http", "https"):
        raise TaskFault(standard("expression", "The endpoint must be an http or https address.", ref))
    query = _texts(filled.get("query"), "query", ref)
    if query:
        uri += ("&" if urlsplit(uri).query else "?") + urlencode(query)
    made = {"method": filled["method"], "uri": uri, "headers": _texts(filled.get("headers"), "headers", ref)}
    if filled.get("body") is not None:
        made["body"] = filled["body"]
    return {**made, "authentication": filled["authentication"]} if filled["authentication"] else made


def output(sent: dict[str, Any], answer: dict[str, Any], mode: str, redirect: bool, ref: str) -> Any:
    """What the task gives from the answer {status, headers, content, raw}; raises `communication` outside 2xx (or 3xx)."""
    status = answer["status"]
    if not 200 <= status < (400 if redirect else 300):
        title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unexpected answer"
        host = urlsplit(sent["uri"]).hostname
        raise TaskFault(standard("communication", f"{sent['method']} {host} answered {status}.", ref, status=status, title=title))
    if mode == "content":
        return answer["content"]
    if mode == "raw":
        return answer["raw"]
    shown = {name: value for name, value in sent["headers"].items() if name.lower() not in _CREDENTIALS}
    asked = {"method": sent["method"].lower(), "uri": sent["uri"], "headers": shown}
    return {"request": asked, "statusCode": status, "headers": answer["headers"], "content": answer["content"]}


def _endpoint(reader: Reader, value: Any, at: str) -> tuple[Any, dict[str, Any] | None]:
    if isinstance(value, dict):
        fields = reader.mapping(value, at, known=("uri", "authentication"), need=("uri",))
        authentication = (
            read_authentication(reader, fields["authentication"], f"{at}/authentication") if "authentication" in fields else None
        )
        return _uri(reader, fields.get("uri"), f"{at}/uri"), authentication
    return _uri(reader, value, at), None


def _uri(reader: Reader, value: Any, at: str) -> Any:
    text = reader.text(value, at)
    if expressions.is_expression(text):
        reader.endpoints.append(Endpoint(at, None))
        return text
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        reader.wrong(at, "is no address")
        return text
    if parts.scheme not in ("http", "https"):
        reader.wrong(at, f"must be an http or https address; {parts.scheme or 'anything else'} {NOT_AVAILABLE}")
    elif not host or "{" in parts.netloc:
        reader.wrong(at, "must write its host out", "variables may stand in the path and the query")
    else:
        reader.endpoints.append(Endpoint(at, host))
    if parts.username or parts.password:
        reader.wrong(at, "holds a literal credential", "put credentials into a connection")
    return text


def read_authentication(reader: Reader, value: Any, at: str) -> dict[str, Any] | None:
    """An authentication in place or by its name under `use.authentications`; credentials must be expressions."""
    if isinstance(value, dict) and set(value) == {"use"}:
        value, at = reader.reusable(reader.text(value["use"], f"{at}/use"), f"{at}/use", "authentications")
    scheme, content = reader.single(value, at)
    if not scheme:
        return None
    if scheme not in SCHEMES:
        reader.wrong(f"{at}/{scheme}", f"{scheme} {NOT_AVAILABLE}", "make a connection and call its capability")
        return None
    if isinstance(content, dict) and "use" in content:
        reader.wrong(f"{at}/{scheme}/use", f"a secret of the workflow {NOT_AVAILABLE}", "make a connection and call its capability")
        return None
    fields = reader.mapping(content, f"{at}/{scheme}", known=SCHEMES[scheme], need=SCHEMES[scheme])
    for name, each in fields.items():
        if not expressions.is_expression(each):
            reader.wrong(f"{at}/{scheme}/{name}", "is a literal credential", "put credentials into a connection")
    return {scheme: fields}


def _no_credentials(reader: Reader, headers: dict[str, Any], at: str) -> None:
    for name, value in headers.items():
        if str(name).lower() in _CREDENTIALS and not expressions.is_expression(value):
            reader.wrong(f"{at}/{name}", "is a literal credential", "put credentials into a connection")


def _expand(name: str, value: Any, ref: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, dict | list):
        raise TaskFault(standard("expression", f"{{{name}}} in the endpoint stands for an object or a list.", ref))
    return "" if found is None else quote(_text(found), safe="")


def _texts(value: Any, what: str, ref: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or any(isinstance(each, dict | list) for each in value.values()):
        raise TaskFault(standard("expression", f"The {what} must be an object of texts.", ref))
    return {str(name): _text(each) for name, each in value.items() if each is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
