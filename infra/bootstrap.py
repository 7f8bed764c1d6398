"""Builds the environment in .venv from the hashed locks, with Python's own parts, uv and npm; does nothing when it is up to date.

usage: bootstrap.py [--dev]
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

import webassets

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)


def main() -> int:
    if sys.version_info < OLDEST:
        print(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}; set PYTHON=…", file=sys.stderr)
        return 3
    dev = "--dev" in sys.argv[1:]
    locks = [ROOT / "requirements.lock", *([ROOT / "requirements-dev.lock"] if dev else [])]
    wanted = hashlib.sha256(b"".join(f.read_bytes() for f in [*locks, ROOT / "pyproject.toml"])).hexdigest()
    stamp = VENV / f"done-{'dev' if dev else 'run'}"
    ROOT.joinpath(".detour").mkdir(exist_ok=True)
    with open(ROOT / ".detour" / "bootstrap.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once would write into each other's environment
        if not stamp.exists() or stamp.read_text() != wanted:
            install(locks)
            stamp.write_text(wanted)
        webassets.ensure(ROOT, VENV, lambda lock: install_locked([lock]), dev=dev)
    return 0


def install(locks: list[Path]) -> None:
    """Make the environment, let pip bring uv, and uv the rest; every file is checked against its hash."""
    python = VENV / "bin" / "python"
    if not python.exists():
        print("building the environment (once)", file=sys.stderr)
        venv.create(VENV, with_pip=True, symlinks=True)
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    install_locked(locks)
    run([str(uv), "pip", "install", "--quiet", "--python", str(python), "--no-deps", "-e", str(ROOT)])


def install_locked(locks: list[Path]) -> None:
    """Install what the locks name into the environment; a file whose hash differs is refused."""
    requirements = [part for lock in locks for part in ("-r", str(lock))]
    argv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(VENV / "bin" / "python")]
    run([*argv, "--require-hashes", *requirements])


def run(argv: list[str]) -> None:
    environment = {**os.environ, "UV_SYSTEM_CERTS": "1"}
    if not os.access(Path.home(), os.W_OK):
        environment["UV_CACHE_DIR"] = str(ROOT / ".detour" / "uv")
    subprocess.run(argv, check=True, env=environment, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
