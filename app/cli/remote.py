"""Commands that speak to a running server over HTTP, with a key: configuration as code, keys, verification of evidence."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from app.cli import audit, listing, partner
from app.cli import keys as key_commands
from app.cli.partner import Refused, Unresolved

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Server = Annotated[str, typer.Option("--server", envvar="DETOUR_BASE_URL", help="Where the API is.")]
Key = Annotated[str, typer.Option("--key", envvar="DETOUR_KEY", help="The API key to use.")]

LOCAL = "http://127.0.0.1:8080"

partners = typer.Typer(no_args_is_help=True, help="A partner's configuration as code.")
audits = typer.Typer(no_args_is_help=True, help="Evidence.")


@partners.command("plan")
def plan(file: Path, key: Key, server: Server = LOCAL, as_json: Json = False) -> None:
    """Show what applying the manifest would change."""
    _show(_ask(server, key, lambda http: partner.plan(http, file, os.environ)), partner.lines, as_json)


@partners.command("apply")
def apply(file: Path, key: Key, server: Server = LOCAL, as_json: Json = False) -> None:
    """Apply the manifest: all of it or nothing."""
    _show(_ask(server, key, lambda http: partner.apply(http, file, os.environ)), partner.lines, as_json)


@partners.command("list")
def list_partners(key: Key, server: Server = LOCAL, as_json: Json = False) -> None:
    """List the partners: all of them with a platform key, else one's own."""
    _show(_ask(server, key, lambda http: listing.everything(http, "/v1/partners")), listing.partner_lines, as_json)


@audits.command("verify")
def verify(key: Key, server: Server = LOCAL, customer: str | None = None, as_json: Json = False) -> None:
    """Check the event log against the chains, and the chains against their anchors; exit 1 when something does not hold."""
    report = _ask(server, key, lambda http: audit.verify(http, customer_id=customer))
    _show(report, audit.lines, as_json)
    raise typer.Exit(0 if report["holds"] else 1)


def create_key(
    name: Annotated[str, typer.Option()], scope: Annotated[str, typer.Option(help="partner, customer or source")], role: Annotated[list[str], typer.Option()], key: Key,
    server: Server = LOCAL, customer: str | None = None, source: str | None = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make an API key; its secret is printed this once."""
    made = _ask(
        server, key, lambda http: key_commands.create(http, name=name, scope=scope, roles=role, customer_id=customer, source=source)
    )
    _show(made, key_commands.lines, as_json)


def rotate_key(
    key_id: str,
    key: Key,
    server: Server = LOCAL,
    overlap: Annotated[int, typer.Option(help="seconds both work")] = 86400,
    as_json: Json = False,
) -> None:
    """Make a key's successor; both work during the overlap."""
    _show(_ask(server, key, lambda http: key_commands.rotate(http, key_id, overlap_seconds=overlap)), key_commands.lines, as_json)


def renew_key(
    key: Key,
    write: Annotated[Path, typer.Option(help="file that is to hold the new key, readable by you alone")],
    server: Server = LOCAL,
    overlap: Annotated[int, typer.Option(help="seconds both work")] = 86400,
    if_due: Annotated[bool, typer.Option("--if-due", help="only when its time to be renewed has come")] = False,
    as_json: Json = False,
) -> None:
    """Let the key in use make its own successor and write that to a file: for a timer beside whatever uses the key."""
    answer = _ask(server, key, lambda http: key_commands.renew(http, overlap_seconds=overlap, if_due=if_due))
    if secret := answer.pop("secret", None):
        _replace_secret(write, secret)
    _show(answer, key_commands.lines, as_json)


def _replace_secret(path: Path, secret: str) -> None:
    """Write beside and rename, so that whoever reads the file finds the old key or the new one."""
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(secret)
    beside.replace(path)


def revoke_key(key_id: str, key: Key, server: Server = LOCAL, as_json: Json = False) -> None:
    """Refuse a key everywhere within five seconds."""
    _show(_ask(server, key, lambda http: key_commands.revoke(http, key_id)), key_commands.lines, as_json)


def _ask(server: str, key: str, question: Callable[[httpx.AsyncClient], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=server, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
            return await question(http)

    try:
        return asyncio.run(run())
    except Refused as error:
        code, said = 1, str(error)
    except Unresolved as error:
        code, said = 2, str(error)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        code, said = 3, f"{server} does not answer ({type(error).__name__}); is it running, and is --server right?"
    sys.stderr.write(f"{said}\n")
    raise typer.Exit(code)


def _show(answer: dict[str, Any], lines: Callable[[dict[str, Any]], Iterable[str]], as_json: bool) -> None:
    text = json.dumps(answer, indent=1) if as_json else "\n".join(lines(answer))
    sys.stdout.write(text + "\n")
