"""Hosts: which tenant a host serves, what a host name may be, and how its owner proves that it is theirs.

A proof is a file at a fixed path on the host, fetched through the egress guard. We never serve that file ourselves:
a host that already leads to us would otherwise prove whatever anybody claims about it.
"""

import re
import secrets
from uuid import UUID

from app.core.egress import Egress
from app.core.errors import Conflict, Fault, FieldError, Invalid
from app.core.services import Boundary
from app.core.settings import Settings

PROOF_PATH = "/.well-known/domain-proof.txt"
_LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


class HostInvalid(Invalid):
    """This is no host name."""

    status = 422


class HostReserved(Conflict):
    """This host belongs to the platform; use a host of your own."""


class ProofMissing(Conflict):
    """The proof could not be read from the host; put the file there and try again."""


async def tenant_of(boundary: Boundary, host: str) -> UUID | None:
    """Return the tenant that `host` (as a Host header has it) serves; only verified hosts serve anybody."""
    found = await boundary.look_up("select tenant_id from core.find_tenant_by_host($1)", _without_port(host))
    return found[0]["tenant_id"] if found else None


def host_name(given: str) -> str:
    """Return a host name as it is kept: lower case, ASCII (IDNA); raises HostInvalid for anything else."""
    try:
        host = given.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise HostInvalid(
            errors=[
                FieldError("/host", f"{given[:100]!r} is no host name.", "Give a name such as care.example.com, without scheme or port.")
            ]
        )
    return host


def proof() -> str:
    """Return a fresh proof text, 160 bits."""
    return secrets.token_hex(20)


def platform_host(settings: Settings, slug: str, environment: str) -> str:
    """Return the host every environment has on the platform's own domain."""
    label = slug if environment == "live" else f"{slug}-{environment}"
    return f"{label}.{settings.public_domain}".lower()


def proves_itself(host: str, settings: Settings) -> bool:
    """Say whether no proof is asked for: *.localhost in development leads to this machine and nowhere else."""
    return settings.development and host.endswith(".localhost")


def refuse_reserved(host: str, settings: Settings, own: str) -> None:
    """Raise HostReserved for a host of the platform's own; the tenant's own address there (`own`) is fine."""
    platform = settings.public_domain.lower()
    inside = host == platform or host.endswith(f".{platform}")
    if host in settings.api_hosts or (inside and host != own and not proves_itself(host, settings)):
        raise HostReserved()


async def check_proof(egress: Egress, host: str, expected: str) -> None:
    """Fetch the proof from `host`; raises ProofMissing saying what was found instead."""
    url = f"https://{host}{PROOF_PATH}"
    try:
        answer = await egress.request("GET", url, headers={"accept": "text/plain"}, content=b"", timeout=10)
    except Fault as unreachable:
        raise ProofMissing(f"{url} can't be read: {unreachable.detail}") from unreachable
    if answer.status != 200:
        raise ProofMissing(f"{url} answered {answer.status}; it must answer 200 with the proof.")
    if answer.body.strip() != expected.encode():
        raise ProofMissing(f"{url} holds something else than the proof.")


def _without_port(host: str) -> str:
    return host.rsplit(":", 1)[0].rstrip(".") if not host.endswith("]") else host
