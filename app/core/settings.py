"""Settings: one frozen object, built once from the environment (prefix DETOUR_) and passed down. The only reader of the environment.

A wrong value stops the start with one sentence that names it.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

PREFIX = "DETOUR_"


class WrongSetting(Exception):
    """A setting is missing or can't be used; the message names it and the remedy."""


def _setting(meaning: str, default: Any = ..., *, secret: bool = False) -> Any:
    info = {"meaning": meaning, "secret": secret}
    return field(metadata=info) if default is ... else field(default=default, metadata=info)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an installation decides about itself; tenants decide the rest as data."""

    database_url: str = _setting("PostgreSQL (17 or newer) as role detour_app", secret=True)
    database_owner_url: str = _setting("PostgreSQL as detour_owner: migrations only", "", secret=True)
    database_customer_url: str = _setting("PostgreSQL as detour_customer", secret=True)
    database_batch_url: str = _setting("PostgreSQL as detour_batch", secret=True)
    database_dispatch_url: str = _setting("PostgreSQL as detour_dispatch", secret=True)
    database_ops_url: str = _setting("PostgreSQL as detour_ops", secret=True)
    redis_url: str = _setting("Redis or Valkey: doorbell, rate limits; may be absent at any second", secret=True)
    master_key: bytes = _setting("32 random bytes in base64: wraps every data key and signs the tenant context", secret=True)
    previous_master_key: bytes = _setting(
        "the master key before the last rotation, in base64, while data keys are re-wrapped", b"", secret=True
    )
    public_domain: str = _setting("partners' portals live on <partner>.<this>; *.localhost in development", "localhost")
    public_port: int = _setting("the port people's browsers use, for absolute links; 0 means the scheme's own", 0)
    public_scheme: str = _setting("http or https in absolute links", "https")
    api_hosts: tuple[str, ...] = _setting("host names the API itself answers to", ("127.0.0.1", "localhost"))
    listen_host: str = _setting("address the API listens on", "127.0.0.1")
    listen_port: int = _setting("port the API listens on", 8080)
    smtp_url: str = _setting("smtp://[user:password@]host:port or smtps://… of the outgoing mail server", "", secret=True)
    anchor_dir: str = _setting("folder of the append-only anchor file, outside the database", "anchors")
    egress_allow_loopback: bool = _setting("let connectors reach this machine; development only", False)
    egress_ports: tuple[int, ...] = _setting("ports connectors may dial", (80, 443, 8443))
    key_prefix: str = _setting("first letters of API keys", "dk")
    development: bool = _setting("development conveniences: *.localhost domains verify themselves, http links, fault points", False)
    fault_dir: str = _setting("folder whose files name the fault points to die at; development only", "")
    pool_size: int = _setting("database connections a role and process", 8)
    worker_slots: int = _setting("units of work a worker process handles at once", 16)
    worker_metrics_port: int = _setting("port a worker shows its figures on (Prometheus); 0 shows none", 0)
    worker_threads: int = _setting("threads that take hints off the queue", 4)
    sandbox_size: int = _setting("sandbox children a process", 2)
    rate_limit_key: int = _setting("requests a minute for one API key", 6000)
    rate_limit_tenant: int = _setting("requests a minute for one tenant", 30000)
    log_level: str = _setting("debug, info, warning or error", "info")
    log_format: str = _setting("json or console", "json")

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> "Settings":
        """Build the settings from `environment` (the process's by default), with `.env` beneath it; raise WrongSetting."""
        source = {**_read_dotenv(dotenv or Path(".env")), **(os.environ if environment is None else environment)}
        known = {f.name: f for f in fields(cls)}
        unknown = sorted(k for k in source if k.startswith(PREFIX) and k.removeprefix(PREFIX).lower() not in known | _READ_ELSEWHERE)
        if unknown:
            raise WrongSetting(f"{unknown[0]} is not a setting; docs/reference/settings.md lists those there are.")
        values: dict[str, Any] = {}
        for name, f in known.items():
            raw = source.get(PREFIX + name.upper())
            if raw is not None and raw != "":
                values[name] = _parse(PREFIX + name.upper(), f.type, raw)
            elif f.default is f.default_factory:  # both MISSING: required
                raise WrongSetting(f"{PREFIX}{name.upper()} is missing: {f.metadata['meaning']}.")
        return cls(**values)

    def __post_init__(self) -> None:
        if len(self.master_key) != 32:
            raise WrongSetting("DETOUR_MASTER_KEY must be 32 bytes in base64 (make one: `detour key master`).")
        if self.previous_master_key and len(self.previous_master_key) != 32:
            raise WrongSetting("DETOUR_PREVIOUS_MASTER_KEY must be 32 bytes in base64.")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise WrongSetting(f"DETOUR_LOG_LEVEL is {self.log_level!r}; use debug, info, warning or error.")
        if self.public_scheme not in ("http", "https"):
            raise WrongSetting(f"DETOUR_PUBLIC_SCHEME is {self.public_scheme!r}; use http or https.")
        if not self.development and (self.fault_dir or self.egress_allow_loopback):
            raise WrongSetting("DETOUR_FAULT_DIR and DETOUR_EGRESS_ALLOW_LOOPBACK need DETOUR_DEVELOPMENT=true.")
        for name in ("database_url", "database_customer_url", "database_batch_url", "database_dispatch_url", "database_ops_url"):
            if urlsplit(getattr(self, name)).scheme not in ("postgresql", "postgres"):
                raise WrongSetting(f"{PREFIX}{name.upper()} must start with postgresql://.")

    def __repr__(self) -> str:
        shown = {f.name: "…" if f.metadata["secret"] else getattr(self, f.name) for f in fields(self)}
        return f"Settings({', '.join(f'{k}={v!r}' for k, v in shown.items())})"

    def origin(self, host: str) -> str:
        """The absolute origin under which people reach `host`, which must come from a verified domain row."""
        port = f":{self.public_port}" if self.public_port else ""
        return f"{self.public_scheme}://{host}{port}"


# Names under our prefix that other programs of the project read: the desk and the test suite.
_READ_ELSEWHERE: dict[str, Any] = dict.fromkeys(("home", "platform_key", "base_url", "key"))


def _parse(name: str, kind: Any, raw: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[raw.lower()]
        if kind is bytes:
            return base64.b64decode(raw, validate=True)
        if get_origin(kind) is tuple:
            return tuple(get_args(kind)[0](part.strip()) for part in raw.split(",") if part.strip())
        return kind(raw)
    except (ValueError, KeyError, binascii.Error):
        readable = {bool: "true or false", bytes: "base64", int: "a whole number"}.get(kind, "a comma-separated list")
        raise WrongSetting(f"{name} must be {readable}.") from None


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)
    return {k.strip(): v.strip().strip("\"'") for k, v in pairs}
