"""Rules of the house that a reader of the code would otherwise have to remember; each with the reason it exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_SQL = re.compile(
    r"\b(select .+ from|insert into|update \w+(\.\w+)? set|delete from|set local|alter (role|table)|drop (table|database)|create (table|database))\b",
    re.IGNORECASE | re.DOTALL,
)
ROOT = Path(__file__).resolve().parents[2]
OURS = ("app", "tenants", "branding", "worker")
FILES = sorted(p for top in OURS for p in (ROOT / top).rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def _found(modules: dict[str, tuple[str, ...]]) -> list[str]:
    """Imports of a module outside the files that may have it."""
    return [
        f"{_name(path)}:{line} imports {module}"
        for path in FILES
        for line, module in _imports(_tree(path))
        for forbidden, allowed in modules.items()
        if (module == forbidden or module.startswith(forbidden + ".")) and not _name(path).startswith(allowed)
    ]


class TestTheSandbox:
    def test_is_the_only_place_that_runs_tenants_programs(self):
        """libjq loops for ever and reads files, CEL's memory is unbounded: never in our own processes."""
        assert _found({"jq": ("app/core/sandbox/",), "cel_expr_python": ("app/core/sandbox/",), "css_inline": ("app/core/sandbox/",)}) == []

    def test_our_own_templates_are_rendered_by_branding_alone(self):
        """Jinja outside the sandbox renders only templates that ship with us."""
        assert _found({"jinja2": ("app/core/sandbox/", "branding/")}) == []


class TestTheEgress:
    def test_is_the_only_way_out(self):
        """A socket opened around the guard reaches metadata services and the tenant's neighbours."""
        allowed = ("app/core/egress", "app/core/embedded.py", "app/core/addresses.py", "app/cli/")
        assert (
            _found(
                {
                    "httpx": allowed,
                    "httpcore": allowed,
                    "requests": allowed,
                    "socket": (*allowed, "app/core/sandbox/"),
                    "urllib.request": allowed,
                    "http.client": allowed,
                    "smtplib": (),
                }
            )
            == []
        )


class TestTheEnvironment:
    def test_is_read_by_the_settings_alone(self):
        """One frozen object, passed down: whoever reads the environment by himself can't be configured by a test."""
        allowed = ("app/core/settings.py", "app/core/embedded.py", "app/core/sandbox/", "app/cli/")
        wrong = [
            f"{_name(p)}:{n.lineno}" for p in FILES if not _name(p).startswith(allowed)
            for n in ast.walk(_tree(p)) if isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv") and isinstance(n.value, ast.Name) and n.value.id == "os"
        ]  # fmt: skip
        assert wrong == []


class TestTime:
    def test_is_read_at_the_door(self):
        """A clock read inside a rule can't be tested or replayed; monotonic intervals are fine."""
        allowed = ("app/core/clock.py", "app/core/ids.py", "app/cli/")
        wrong = [
            f"{_name(p)}:{n.lineno}" for p in FILES if not _name(p).startswith(allowed)
            for n in ast.walk(_tree(p)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in ("now", "utcnow", "today")
            and isinstance(n.func.value, ast.Name) and n.func.value.id in ("datetime", "date")
        ]  # fmt: skip
        assert wrong == []


class TestTheWall:
    def test_has_one_door(self):
        """A connection made elsewhere carries no signed context."""
        allowed = ("tenants/boundary.py", "app/core/migrate.py", "app/cli/doctor.py")
        calls = [
            f"{_name(p)}:{n.lineno}" for p in FILES if not _name(p).startswith(allowed)
            for n in ast.walk(_tree(p)) if (isinstance(n, ast.Call) and getattr(n.func, "id", getattr(n.func, "attr", "")) in ("create_async_engine", "create_engine", "create_pool", "async_sessionmaker"))
            or (isinstance(n, ast.Attribute) and n.attr == "connect" and isinstance(n.value, ast.Name) and n.value.id == "asyncpg")
        ]  # fmt: skip
        assert calls == []

    def test_is_never_set_for_longer_than_a_transaction(self):
        """`set_config(…, false)` outlives the transaction: the connection's next user saw another tenant's row."""
        texts = [*FILES, *(ROOT / "migrations").rglob("*.sql")]
        wrong = [_name(p) for p in texts if re.search(r"set_config\([^)]*,\s*false\s*\)|SET SESSION app\.", p.read_text())]
        assert wrong == []

    def test_no_statement_is_built_from_values(self):
        """Bind parameters only: an f-string in SQL is an injection waiting for its caller."""
        wrong = []
        for path in FILES:
            if _name(path) in ("app/core/migrate.py", "tenants/boundary.py"):
                continue
            for node in ast.walk(_tree(path)):
                if isinstance(node, ast.JoinedStr) and _SQL.search(
                    "".join(v.value for v in node.values if isinstance(v, ast.Constant) and isinstance(v.value, str))
                ):
                    wrong.append(f"{_name(path)}:{node.lineno}")
        assert wrong == []


class TestErrors:
    def test_are_caught_by_name(self):
        """A bare except hides the error nobody thought of; the edges that must catch everything say why on the same line."""
        wrong = []
        for path in FILES:
            lines = path.read_text().splitlines()
            for node in ast.walk(_tree(path)):
                if isinstance(node, ast.ExceptHandler):
                    broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
                    if broad and "#" not in lines[node.lineno - 1] and not _reraises(node):
                        wrong.append(f"{_name(path)}:{node.lineno}")
        assert wrong == []


def _reraises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(n, ast.Raise) for n in ast.walk(handler))


class TestTheText:
    @pytest.mark.parametrize("mark", ["TODO", "FIXME", "XXX", "raise NotImplementedError"])
    def test_holds_no_promise_of_later_work(self, mark):
        """What is not here is absent; a mark is a promise nobody keeps."""
        assert [_name(p) for p in FILES if re.search(rf"\b{mark}\b", p.read_text())] == []

    def test_rooms_have_a_plaque(self):
        """`__init__.py` says what the room is for."""
        packages = [p for p in FILES if p.name == "__init__.py"]
        assert [_name(p) for p in packages if not ast.get_docstring(_tree(p))] == []

    def test_modules_say_what_they_are(self):
        assert [_name(p) for p in FILES if not ast.get_docstring(_tree(p))] == []
