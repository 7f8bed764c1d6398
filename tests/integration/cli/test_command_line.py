"""The command line by itself: what it prints, and the one sentence it stops with when something is missing."""

import base64
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.cli.reach import check
from app.core.migrate import WrongDatabase
from tests.command_line import detour
from tests.services import Database


@pytest.fixture
def environment(database: Database) -> dict[str, str]:
    return database.environment()


class TestWrongSettings:
    @pytest.mark.parametrize("command", [("serve",), ("worker",), ("migrate",), ("key", "platform", "--name", "x"), ("key", "rewrap")])
    def test_a_missing_one_is_named_and_nothing_starts(self, environment: dict[str, str], command: tuple[str, ...]) -> None:
        del environment["DETOUR_MASTER_KEY"]
        done = detour(*command, environment=environment)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("DETOUR_MASTER_KEY is missing: ")
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("DETOUR_DEVELOPMENT", "perhaps", "DETOUR_DEVELOPMENT must be true or false.\n"),
            ("DETOUR_MASTER_KEY", "c2hvcnQ=", "DETOUR_MASTER_KEY must be 32 bytes in base64 (make one: `detour key master`).\n"),
            ("DETOUR_POOL_SIZE", "many", "DETOUR_POOL_SIZE must be a whole number.\n"),
            ("DETOUR_POLL_SIZE", "8", "DETOUR_POLL_SIZE is not a setting; docs/reference/settings.md lists those there are.\n"),
            ("DETOUR_DATABASE_URL", "mysql://x", "DETOUR_DATABASE_URL must start with postgresql://.\n"),
        ],
    )
    def test_a_wrong_one_is_one_sentence(self, environment: dict[str, str], name: str, value: str, sentence: str) -> None:
        done = detour("serve", environment={**environment, name: value})
        assert (done.returncode, done.stdout, done.stderr) == (3, "", sentence)


class TestTheDatabase:
    @pytest.mark.parametrize(("command", "role"), [("serve", "postgres"), ("serve", "detour_owner"), ("worker", "detour_backup")])
    def test_is_refused_with_a_role_that_sees_through_the_wall(self, database: Database, command: str, role: str) -> None:
        done = detour(command, environment=database.environment(DETOUR_DATABASE_URL=database.url(role)))
        assert done.returncode == 3
        assert done.stderr.startswith(f"Role {role} passes row-level security; ")
        assert done.stderr.count("\n") == 1

    def test_is_refused_when_only_the_role_for_keys_is_privileged(self, database: Database) -> None:
        done = detour("key", "platform", "--name", "x", environment=database.environment(DETOUR_DATABASE_OPS_URL=database.url("postgres")))
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("Role postgres passes row-level security; ")

    @pytest.mark.parametrize("command", [("serve",), ("worker",), ("key", "platform", "--name", "x")])
    def test_that_is_away_is_one_sentence(self, database: Database, command: tuple[str, ...]) -> None:
        nowhere = "postgresql://detour_app:x@127.0.0.1:1/none"
        done = detour(*command, environment=database.environment(DETOUR_DATABASE_URL=nowhere, DETOUR_DATABASE_OPS_URL=nowhere))
        assert done.returncode == 3
        assert done.stderr.startswith("The database does not let us in (ConnectionRefusedError); check DETOUR_DATABASE_")
        assert done.stderr.count("\n") == 1

    def test_that_knows_no_such_database_is_one_sentence(self, database: Database) -> None:
        gone = database.url("detour_owner").replace(database.name, "gone")
        done = detour("migrate", environment=database.environment(DETOUR_DATABASE_OWNER_URL=gone))
        assert done.returncode == 3
        assert done.stderr.startswith('The database does not let us in (database "gone" does not exist); check DETOUR_DATABASE_OWNER_URL')

    async def test_is_refused_when_it_is_too_old(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.core.migrate.OLDEST_SERVER", 990000)
        with pytest.raises(WrongDatabase, match=r"^PostgreSQL \d+ is too old; use 17 or newer\.$"):
            await check(database.settings(), "database_url")

    def test_is_migrated_only_as_the_owner(self, environment: dict[str, str]) -> None:
        del environment["DETOUR_DATABASE_OWNER_URL"]
        done = detour("migrate", environment=environment)
        assert (done.returncode, done.stderr) == (3, "DETOUR_DATABASE_OWNER_URL is missing: migrations run as the owner.\n")

    def test_that_is_at_the_present_stays_so(self, environment: dict[str, str]) -> None:
        done = detour("migrate", environment=environment)
        assert (done.returncode, done.stderr) == (0, "")


class TestDoctor:
    def test_finds_nothing_wrong_with_a_good_installation(self, environment: dict[str, str]) -> None:
        done = detour("doctor", environment=environment)
        assert done.returncode == 0, done.stdout
        lines = done.stdout.splitlines()
        assert all(line.startswith("ok ") for line in lines)
        assert "ok  DETOUR_DATABASE_BATCH_URL reaches PostgreSQL 17 or newer with its own role" in lines
        assert "ok  Redis answers" in lines

    def test_gives_each_fault_its_remedy(self, database: Database) -> None:
        broken = database.environment(DETOUR_DATABASE_CUSTOMER_URL=database.url("postgres"), DETOUR_REDIS_URL="redis://127.0.0.1:1/0")
        done = detour("doctor", "--json", environment=broken)
        assert done.returncode == 3
        wrong = {finding["what"]: finding["remedy"] for finding in json.loads(done.stdout) if not finding["ok"]}
        assert set(wrong) == {"DETOUR_DATABASE_CUSTOMER_URL reaches PostgreSQL 17 or newer with its own role", "Redis answers"}
        assert "give the server its own unprivileged role" in " ".join(wrong.values())
        assert "check DETOUR_REDIS_URL" in wrong["Redis answers"]

    def test_says_that_no_settings_are_needed_for_one_machine(self, tmp_path) -> None:
        done = detour("doctor", folder=tmp_path)
        assert done.returncode == 0
        assert "no settings given: `detour up` uses its embedded services" in done.stdout

    def test_names_a_setting_that_is_wrong(self, environment: dict[str, str]) -> None:
        done = detour("doctor", environment={**environment, "DETOUR_LOG_LEVEL": "loud"})
        assert done.returncode == 3
        assert "NO  DETOUR_LOG_LEVEL is 'loud'; use debug, info, warning or error." in done.stdout


class TestKeys:
    def test_a_master_key_is_fresh_and_of_the_right_length(self) -> None:
        one, other = detour("key", "master").stdout.strip(), json.loads(detour("key", "master", "--json").stdout)["master_key"]
        assert len(base64.b64decode(one, validate=True)) == len(base64.b64decode(other, validate=True)) == 32
        assert one != other

    @pytest_asyncio.fixture(loop_scope="session")
    async def superuser(self, database: Database) -> AsyncIterator[asyncpg.Connection]:
        connection = await database.superuser()
        yield connection
        await connection.close()

    async def test_a_platform_key_is_stored_as_a_hash_only(self, environment: dict[str, str], superuser: asyncpg.Connection) -> None:
        done = detour("key", "platform", "--name", "night shift", "--json", environment=environment)
        assert done.returncode == 0, done.stderr
        secret = json.loads(done.stdout)["secret"]
        row = await superuser.fetchrow("select * from core.platform_key where name = 'night shift'")
        assert secret.split("_")[2] == row["public_id"]
        assert secret.split("_")[3].encode() not in row["secret_hash"]

    def test_data_keys_are_wrapped_anew_after_a_rotation(self, environment: dict[str, str]) -> None:
        done = detour("key", "rewrap", "--json", environment=environment)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rewrapped"] == 0, "the master key was not rotated"


class TestPages:
    def test_openapi_is_the_whole_interface(self) -> None:
        page = json.loads(detour("openapi").stdout)
        assert page["openapi"].startswith("3.1")
        assert {"/v1/events", "/v1/cases", "/v1/provisioning/manifest"} <= page["paths"].keys()

    def test_the_map_says_what_hears_what(self) -> None:
        edges = json.loads(detour("map", "--json").stdout)["edges"]
        assert {"heard": "decision.made", "when": "now", "handler": "app.cases.handlers.on_decision"} in edges
        drawing = detour("map").stdout
        assert drawing.startswith("flowchart LR\n")
        assert len(drawing.splitlines()) == 1 + len(edges)


class TestUsage:
    def test_an_unknown_command_is_wrong_usage(self) -> None:
        done = detour("fly")
        assert done.returncode == 2
        assert "No such command" in done.stderr

    def test_a_server_that_does_not_answer_is_named(self) -> None:
        done = detour("audit", "verify", "--server", "http://127.0.0.1:1", "--key", "dk_x")
        assert (done.returncode, done.stderr) == (
            3,
            "http://127.0.0.1:1 does not answer (ConnectError); is it running, and is --server right?\n",
        )

    def test_a_manifest_that_is_not_there_is_named(self, tmp_path) -> None:
        done = detour("partner", "plan", str(tmp_path / "gone.yaml"), "--key", "dk_x")
        assert (done.returncode, done.stderr) == (2, f"{tmp_path / 'gone.yaml'} can't be read (FileNotFoundError).\n")

    def test_a_manifest_that_is_no_yaml_is_told_where(self, tmp_path) -> None:
        (tmp_path / "manifest.yaml").write_text("partner: {slug: [\n")
        done = detour("partner", "plan", str(tmp_path / "manifest.yaml"), "--key", "dk_x")
        assert done.returncode == 2
        assert done.stderr.startswith(str(tmp_path / "manifest.yaml"))
        assert "Traceback" not in done.stderr

    def test_env_says_that_nothing_runs(self, tmp_path) -> None:
        done = detour("env", "--home", str(tmp_path))
        assert (done.returncode, done.stderr) == (3, f"Nothing runs under {tmp_path}; start it with `make run`.\n")
