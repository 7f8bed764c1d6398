"""Anchors: heads written down outside the database, on an append-only file whose lines hold each other."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from app.audit.anchor import Anchor, AnchorFile
from app.audit.chain import Head

pytestmark = pytest.mark.feature("M146")
TENANT, CUSTOMER = UUID(int=7), UUID(int=8)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def anchor(seq: int, customer: UUID | None = CUSTOMER) -> Anchor:
    return Anchor(customer, Head(seq, bytes([seq]) * 32))


@pytest.fixture
def file(tmp_path: Path) -> AnchorFile:
    return AnchorFile(tmp_path / "anchors", TENANT)


class TestAnchorFile:
    def test_gives_back_what_was_written_by_chain(self, file: AnchorFile) -> None:
        file.append([anchor(1), anchor(3, None)], NOON)
        file.append([anchor(2)], NOON)
        found = file.read()
        assert found.chains == {CUSTOMER: {1: b"\x01" * 32, 2: b"\x02" * 32}, None: {3: b"\x03" * 32}}
        assert found.broken_lines == [] and found.last_at == NOON

    def test_of_a_tenant_never_anchored_is_empty(self, file: AnchorFile) -> None:
        assert file.read().chains == {}

    def test_shows_an_edited_line(self, file: AnchorFile) -> None:
        file.append([anchor(n) for n in (1, 2, 3)], NOON)
        lines = file.path.read_text().splitlines()
        record = json.loads(lines[1])
        record["seq"] = 20
        lines[1] = json.dumps(record, sort_keys=True, separators=(",", ":"))
        file.path.write_text("\n".join(lines) + "\n")
        assert file.read().broken_lines == [3]

    def test_shows_a_deleted_line(self, file: AnchorFile) -> None:
        file.append([anchor(n) for n in (1, 2, 3)], NOON)
        lines = file.path.read_text().splitlines()
        file.path.write_text("\n".join([lines[0], lines[2]]) + "\n")
        assert file.read().broken_lines == [2]

    def test_shows_another_tenants_file_in_its_place(self, file: AnchorFile) -> None:
        other = AnchorFile(file.path.parent, UUID(int=9))
        other.append([anchor(1)], NOON)
        other.path.rename(file.path)
        assert file.read().broken_lines == [1]

    def test_survives_a_line_cut_by_a_crash(self, file: AnchorFile) -> None:
        file.append([anchor(1)], NOON)
        with file.path.open("ab") as raw:
            raw.write(b'{"at":"2026-11-2')
        file.append([anchor(2)], NOON)
        found = file.read()
        assert sorted(found.chains[CUSTOMER]) == [1, 2] and found.broken_lines == []

    def test_keeps_lines_whole_and_linked_under_parallel_writers(self, file: AnchorFile) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: AnchorFile(file.path.parent, TENANT).append([anchor(n)], NOON), range(1, 41)))
        found = file.read()
        assert len(found.chains[CUSTOMER]) == 40 and found.broken_lines == []

    def test_is_readable_by_nobody_else(self, file: AnchorFile) -> None:
        file.append([anchor(1)], NOON)
        assert file.path.stat().st_mode & 0o077 == 0
