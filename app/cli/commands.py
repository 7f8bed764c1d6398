"""The subcommands, three lines each; what they do lives where it belongs."""

import asyncio
import base64
import json
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import remote
from app.cli.reach import check
from app.core.context import Signer
from app.core.settings import Settings, WrongSetting

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Exception operations for logistics.")
keys = typer.Typer(no_args_is_help=True, help="API keys, master keys and the platform operator's keys.")
app.add_typer(keys, name="key")
app.add_typer(remote.partners, name="partner")
app.add_typer(remote.audits, name="audit")
keys.command("create")(remote.create_key)
keys.command("rotate")(remote.rotate_key)
keys.command("renew")(remote.renew_key)
keys.command("revoke")(remote.revoke_key)

SERVING = ("database_url", "database_customer_url", "database_batch_url", "database_dispatch_url", "database_ops_url")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Home = Annotated[Path | None, typer.Option(envvar="DETOUR_HOME", help="Where data is kept; .detour of this folder when left out.")]


@app.command()
def serve() -> None:
    """Answer HTTP requests until told to stop."""
    from app.main.server import serve

    settings = Settings.load()
    asyncio.run(check(settings, *SERVING))
    asyncio.run(serve(settings))


@app.command()
def worker() -> None:
    """Do what is due until told to stop."""
    from worker.main import run

    settings = Settings.load()
    asyncio.run(check(settings, *SERVING))
    asyncio.run(run(settings))


@app.command()
def migrate() -> None:
    """Bring the database to the present."""
    from app.core.migrate import migrate

    settings = Settings.load()
    if not settings.database_owner_url:
        raise WrongSetting("DETOUR_DATABASE_OWNER_URL is missing: migrations run as the owner.")
    asyncio.run(check(settings, "database_owner_url", runtime=False))
    asyncio.run(migrate(settings.database_owner_url, Signer(settings.master_key)))


@app.command()
def up(
    once: Annotated[bool, typer.Option(help="Stop when the story has ended; exit 0 only if every outcome held.")] = False,
    story: Annotated[bool, typer.Option(help="Play the story.")] = True,
    chaos: Annotated[bool, typer.Option(help="Tell it again with the carrier away and a worker killed.")] = True,
    input: Annotated[list[Path] | None, typer.Option(help="Files to take in instead of the story.")] = None,
    home: Home = None,
    keep: Annotated[bool, typer.Option(help="Go on with the data of the last run.")] = False,
) -> None:
    """Start everything on this machine: embedded PostgreSQL and Valkey, the simulated world, API and worker."""
    from app.cli.up import up

    raise typer.Exit(up(once=once, story=story, chaos=chaos, inputs=input or [], home=home, keep=keep))


@app.command()
def env(home: Home = None, as_json: Json = False) -> None:
    """Print where `detour up` answers and the platform operator's key, as variables for a shell."""
    from app.cli.up import variables
    from app.core.embedded import home_for

    found = variables(home or home_for(Path.cwd()))
    _print(found, as_json, lambda: [f"export {name}={shlex.quote(value)}" for name, value in found.items()])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what is missing or wrong with this installation, each with its remedy."""
    from app.cli.doctor import findings

    found = asyncio.run(findings())
    if as_json:
        sys.stdout.write(json.dumps([f.__dict__ for f in found], indent=1) + "\n")
    else:
        for f in found:
            sys.stdout.write(f"{'ok ' if f.ok else 'NO '} {f.what}{'' if f.ok else ' — ' + f.remedy}\n")
    raise typer.Exit(0 if all(f.ok for f in found) else 3)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def story(context: typer.Context) -> None:
    """Play the story against a running instance (`detour story --help` lists its options)."""
    raise typer.Exit(subprocess.run([sys.executable, "-m", "simulator.story", *context.args], check=False).returncode)


@app.command()
def openapi() -> None:
    """Print the HTTP interface as OpenAPI 3.1."""
    from app.main.application import create_litestar

    sys.stdout.write(json.dumps(create_litestar(None).openapi_schema.to_schema(), indent=1, sort_keys=True) + "\n")


@app.command(name="map")
def map_(as_json: Json = False) -> None:
    """Print who hears what, as a diagram in Mermaid."""
    from app.cli.map import diagram, edges

    _print({"edges": [edge.__dict__ for edge in edges()]}, as_json, lambda: [diagram().rstrip()])


@keys.command("master")
def master_key(as_json: Json = False) -> None:
    """Print a new master key."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    _print({"master_key": key}, as_json, lambda: [key])


@keys.command("platform")
def platform_key(name: Annotated[str, typer.Option(help="Who will use it.")], as_json: Json = False) -> None:
    """Make an API key of the platform's operator; it is shown once."""
    from app.cli.platform import make_platform_key

    settings = Settings.load()
    asyncio.run(check(settings, "database_ops_url"))
    key = asyncio.run(make_platform_key(settings, name))
    _print({"name": name, "secret": key}, as_json, lambda: [key])


@keys.command("rewrap")
def rewrap(as_json: Json = False) -> None:
    """Wrap every data key with the present master key, after DETOUR_PREVIOUS_MASTER_KEY was set to the one before."""
    from app.cli.platform import rewrap_all

    settings = Settings.load()
    asyncio.run(check(settings, "database_url", "database_ops_url"))
    done = asyncio.run(rewrap_all(settings))
    _print({"rewrapped": done}, as_json, lambda: [f"{done} data keys wrapped anew"])


def _print(answer: dict[str, Any], as_json: bool, lines: Callable[[], Iterable[str]]) -> None:
    sys.stdout.write((json.dumps(answer, indent=1) if as_json else "\n".join(lines())) + "\n")
