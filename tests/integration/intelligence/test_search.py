"""One box finds everything by any four letters of it, within the asker's own, however much there is."""

import random
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from app.canonical import search as finding
from app.canonical.models import SearchEntry
from app.canonical.search import KINDS, QueryTooShort, find, folded, note
from app.core.context import Context
from app.core.errors import Invalid
from app.core.ids import new_id
from app.intelligence.search import kinds_for, search
from tests.integration.canonical.test_documents import form
from tests.integration.canonical.test_record import order, scan
from tests.integration.cases.world import World
from tests.integration.tenants.conftest import make_key

pytestmark = pytest.mark.feature("M222")

REFS = {
    "shipment": "SHP-220", "tracking": "1Z 999 AA1 0123 4567 84", "pro": "123-456 789", "bol": "BOL/77-31-A", "po": "PO-2026-00042",
    "container": "MSKU 123456 7", "awb": "020-1234 5675", "sscc": "(00) 3 4012345 000000001 8", "order": "ORD-7731",
}  # fmt: skip
PARTIES = [
    {"role": "shipper", "name": "Nordlicht Pharma GmbH", "code": "NLP-01"},
    {"role": "consignee", "name": "Clinique Saint-Éloi", "location": {"city": "Lyon", "country": "FR"}},
]


@pytest.fixture
def ask(shell, tenant):
    """Search as the partner, or as one of its customers."""

    async def asked(q: str, *, customer: UUID | None = None, tenant_id: UUID = tenant, **more):
        async with shell.read(tenant_id, customer=customer) as uow:
            return await search(uow, q, **more)

    return asked


@pytest.fixture
async def shipment(tell):
    (told,) = await tell(scan(0, "AF", refs=REFS, parties=PARTIES, carrier="CPCC"))
    return told.shipment_id


class TestAShipment:
    @pytest.mark.parametrize("name", sorted(REFS.keys() - {"order"}))
    async def test_is_found_by_any_four_letters_of_each_of_its_references(self, ask, shipment, name):
        key = folded(REFS[name])
        for start in range(len(key) - 3):
            found = (await ask(key[start : start + 4], kinds=["shipment"])).items
            assert [row.id for row in found] == [shipment], key[start : start + 4]
        (whole,) = (await ask(REFS[name], kinds=["shipment"])).items
        assert (whole.matched[0].name, whole.matched[0].value) == (name, REFS[name])

    @pytest.mark.parametrize("q", ["1z999aa1-0123", "PRO 123456789", "nordlicht", "PHARMA gmbh", "nlp 01", "ord 7731", "Éloi"])
    async def test_is_found_however_it_is_typed_and_by_whom_it_concerns(self, ask, shipment, q):
        assert shipment in [row.id for row in (await ask(q)).items]

    async def test_is_told_with_what_matched_where_it_goes_and_how_far_it_is(self, ask, tell, customer):
        stops = {"origin": {"city": "Hamburg"}, "destination": {"city": "Lyon"}}
        await tell(scan(0, "AF", refs={"shipment": "SHP-900", "pro": "5550001111"}, carrier="CPCC", **stops))
        (found,) = (await ask("0001111")).items
        assert (found.kind, found.label, found.status, found.customer_id) == ("shipment", "SHP-900", "departed", customer)
        assert [(m.name, m.value) for m in found.matched] == [("pro", "5550001111")]
        assert found.detail == "Acme · CPCC · Hamburg → Lyon"

    async def test_is_found_by_what_later_messages_add(self, ask, tell, shipment):
        await tell(scan(1, "X4", refs={"shipment": "SHP-220", "container": "TGHU7654321"}))
        await tell(scan(2, "X4", refs={"shipment": "SHP-220", "order": "ORD-9999"}, parties=[{"role": "broker", "name": "Zollhof"}]))
        for q in ("tghu765", "ord9999", "zollhof", "3-456 7"):
            assert shipment in [row.id for row in (await ask(q, kinds=["shipment"])).items], q

    async def test_repeated_messages_write_nothing_new(self, shell, tenant, tell, shipment):
        async with shell.read(tenant) as uow:
            before = (await uow.get(SearchEntry, shipment)).keys
        await tell(scan(0, "AF", refs=REFS, parties=PARTIES))
        async with shell.read(tenant) as uow:
            assert (await uow.get(SearchEntry, shipment)).keys == before


class TestOtherThings:
    async def test_an_order_is_found_by_number_account_and_what_its_messages_carry(self, ask, tell):
        event = order()
        (told,) = await tell({**event, "refs": {"order": "ORD-7731", "po": "PO-77-4410"}})
        for q in ("7731", "acme01", "po 774410"):
            assert [(row.kind, row.id) for row in (await ask(q)).items] == [("order", told.order_id)], q

    async def test_a_party_is_found_by_name_and_code(self, ask, shipment):
        (found,) = (await ask("nordlicht", kinds=["party"])).items
        assert (found.label, found.detail) == ("Nordlicht Pharma GmbH", "Acme · shipper · NLP-01")

    async def test_a_document_is_found_by_its_number_and_the_name_of_its_file(self, shell, tenant, tell, customer, ask):
        from app.canonical import documents

        (told,) = await tell(order(un_number="UN1993"))
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            wanted = await documents.require(uow, kind="compliance_certificate", customer_id=customer, order_id=told.order_id)
            await documents.upload(uow, wanted.id, form(certificate_number="CC-2026-118"), name="zertifikat.json")
        for q in ("2026-118", "zertifi", "compliance cert"):
            assert [row.id for row in (await ask(q, kinds=["document"])).items] == [wanted.id], q

    async def test_a_case_is_found_by_its_title_and_by_the_numbers_of_what_it_is_about(self, shell, tenant, ask):
        world = await World.make(shell, tenant)
        subject = await world.order("ORD-7731", shipment="SHP-4455")
        case = await world.opened(order="ORD-7731", subjects={"order": str(subject)})
        for q in (case.title, "7731"):
            (found,) = (await ask(q, kinds=["case"])).items
            assert (found.id, found.label, found.status) == (case.id, case.title, "open")


class TestAQuery:
    @pytest.mark.parametrize("q", ["", "abc", " a-b c ", "---- ", "1_2_3"])
    async def test_of_less_than_four_letters_is_refused_by_name(self, ask, q):
        with pytest.raises(QueryTooShort) as refused:
            await ask(q)
        assert [error.pointer for error in refused.value.errors] == ["q"]

    async def test_with_a_foreign_cursor_is_refused(self, ask):
        with pytest.raises(Invalid) as refused:
            await ask("abcd", cursor="bm9uc2Vuc2U")
        assert [error.pointer for error in refused.value.errors] == ["cursor"]

    @pytest.mark.parametrize("q", ["%%%%", "____", "100%", "a%b_c", "'; drop table--", "\\\\\\\\abcd"])
    async def test_is_text_and_no_pattern(self, shell, tenant, ask, customer, q):
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await note(uow, "order", new_id(), customer, "X", [("order", "ABCDEFGH")], is_new=True)
        try:
            assert (await ask(q)).items == []
        except QueryTooShort:
            assert len(folded(q)) < 4

    async def test_of_several_words_finds_what_holds_them_all(self, shell, tenant, customer):
        ids = [new_id(), new_id()]
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await note(uow, "order", ids[0], customer, "X", [("order", "ORD-1"), ("title", "Missed cutoff in Hamburg")], is_new=True)
            await note(uow, "order", ids[1], customer, "X", [("order", "ORD-2"), ("title", "Missed cutoff in Lyon")], is_new=True)
        async with shell.read(tenant) as uow:
            assert [hit.id for hit in (await find(uow, "cutoff hamburg")).items] == [ids[0]]
            assert [hit.id for hit in (await find(uow, "missed cutoff")).items] == ids[::-1]


class TestWhoAsks:
    async def test_a_customer_finds_its_own_alone(self, ask, tell, customer, other_customer):
        (ours,) = await tell(scan(0, "AF", refs={"shipment": "SHP-220"}))
        (theirs,) = await tell(scan(0, "AF", refs={"shipment": "SHP-220"}), customer_id=other_customer)
        assert {row.id for row in (await ask("shp220")).items} == {ours.shipment_id, theirs.shipment_id}
        assert [row.id for row in (await ask("shp220", customer=customer)).items] == [ours.shipment_id]
        assert [row.id for row in (await ask("hp22", customer=other_customer)).items] == [theirs.shipment_id]

    async def test_another_tenant_finds_nothing(self, ask, shipment, other_tenant):
        assert (await ask("shp220", tenant_id=other_tenant)).items == []

    async def test_a_link_to_one_case_searches_nothing(self, shell, tenant, customer, shipment):
        context = Context.one(tenant, actor="link:1", customer=customer, case=new_id())
        with pytest.raises(Exception, match="a link to one case searches nothing"):
            async with shell.boundary.unit_of_work(context, read_only=True) as uow:
                await search(uow, "shp220")

    @pytest.mark.parametrize("role", ["detour_app", "detour_customer"])
    async def test_the_look_ups_are_loud_without_a_context(self, database, role):
        connection = await asyncpg.connect(database.url(role))
        try:
            for call in ("find_whole('abcd', '{order}')", "find_within('{abcd}', '{order}', gen_random_uuid(), 5, '{}')"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant context"):
                    await connection.fetch(f"select * from canonical.{call}")
        finally:
            await connection.close()

    async def test_batches_may_not_call_them(self, database):
        connection = await asyncpg.connect(database.url("detour_batch"))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for function"):
                await connection.fetch("select canonical.find_whole('abcd', '{order}')")
        finally:
            await connection.close()

    def test_what_one_may_not_read_one_may_not_find(self):
        assert kinds_for({"model.read"}) == {"shipment", "order", "document", "party"}
        assert kinds_for({"model.read", "cases.read"}) == set(KINDS)
        assert kinds_for({"usage.read"}) == set()

    async def test_over_http_the_roles_decide(self, shell, tenant, client, tell, customer, other_customer):
        await tell(scan(0, "AF", refs={"shipment": "SHP-220"}), customer_id=other_customer)
        (ours,) = await tell(scan(0, "AF", refs={"shipment": "SHP-220", "order": "ORD-220"}))

        async def get(roles, params, **scope):
            _, key = await make_key(shell, tenant, roles=roles, **scope)
            return await client.get("/v1/search", params=params, headers={"authorization": f"Bearer {key.text}"})

        answer = await get(["customer_user"], {"q": "SHP-220"}, scope="customer", customer_id=customer)
        assert [row["id"] for row in answer.json()["items"]] == [str(ours.shipment_id)]
        assert len((await get(["operator"], {"q": "ord 220", "kind": "order"})).json()["items"]) == 1
        assert (await get(["source_key"], {"q": "SHP-220"}, scope="source", source="events")).status_code == 403
        short = await get(["operator"], {"q": "SHP"})
        assert short.status_code == 400 and short.json()["errors"][0]["pointer"] == "q"


async def _fill(database, tenant, customer, keys: list[str], kind: str = "order") -> list[UUID]:
    """Entries by hand, oldest first, as many as a test wants."""
    connection = await database.superuser()
    ids = [new_id() for _ in keys]
    try:
        await connection.execute(
            """insert into canonical.search_entry (tenant_id, id, customer_id, kind, label, names, said, keys)
               select $1, i, $2, $3, 'x', array_fill('order'::text, array[cardinality(l)]), l, k from unnest($4::uuid[], $5::text[]) as x (i, k), string_to_array(k, E'\\n') l""",
            tenant, customer, kind, ids, keys,
        )  # fmt: skip
    finally:
        await connection.close()
    return ids


class TestMuch:
    @pytest_asyncio.fixture(loop_scope="session")
    async def pages(self, shell, tenant):
        async def all_of(q: str, limit: int = 50, most: int = 100, customer: UUID | None = None, kinds=KINDS) -> list[UUID]:
            found, cursor = [], None
            for _ in range(most):
                async with shell.read(tenant, customer=customer) as uow:
                    page = await find(uow, q, limit=limit, cursor=cursor, kinds=kinds)
                found += [hit.id for hit in page.items]
                assert len(page.items) <= limit
                if page.next is None:
                    return found
                assert page.next != cursor
                cursor = page.next
            raise AssertionError("the pages have no end")

        return all_of

    async def test_is_found_as_by_looking_at_every_one(self, database, tenant, customer, other_customer, pages):
        draw = random.Random(7)
        keys = ["\n".join("".join(draw.choices("ab12", k=draw.randint(3, 8))) for _ in range(draw.randint(1, 3))) for _ in range(5000)]
        ids = await _fill(database, tenant, customer, keys)
        await _fill(database, tenant, other_customer, keys[:500], kind="shipment")
        for _ in range(12):
            word = "".join(draw.choices("ab12", k=draw.randint(4, 6)))
            wanted = [id for id, key in zip(ids, keys, strict=True) if any(word in line for line in key.split("\n"))]
            whole = [id for id, key in zip(ids, keys, strict=True) if word in key.split("\n")]
            first = whole if len(whole) <= 100 else []
            rest = [id for id in wanted if id not in set(first)]
            assert await pages(word, kinds=["order"]) == [*first[::-1], *rest[::-1]], word
            assert await pages(word, customer=customer, limit=7, most=1000) == [*first[::-1], *rest[::-1]], word

    async def test_of_a_common_word_comes_newest_first_and_whole(self, database, tenant, customer, pages):
        ids = await _fill(database, tenant, customer, ["acmeold"] * 2600 + ["something"] * 2500)
        assert await pages("cmeol", limit=100) == ids[:2600][::-1]

    async def test_a_page_that_looked_far_enough_back_says_where_to_go_on(self, shell, database, tenant, customer, pages):
        ids = await _fill(database, tenant, customer, ["acmeold"] * 2100 + ["abcd"] * 53000)
        async with shell.read(tenant) as uow:
            first = await find(uow, "cmeol", limit=20)
        assert first.items == [] and first.next is not None
        assert (await pages("cmeol", limit=100)) == ids[:2100][::-1]

    async def test_a_rare_word_is_found_however_old(self, database, tenant, customer, pages):
        ids = await _fill(database, tenant, customer, ["needle7731", *["haystack"] * 4000])
        assert await pages("dle77") == [ids[0]]


class TestWhatIsKept:
    async def test_is_bounded_for_one_thing(self, shell, tenant, customer):
        id = new_id()
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await note(uow, "shipment", id, customer, "SHP", [("po", f"PO-{n:05}" + "x" * 300) for n in range(600)], is_new=True)
        async with shell.read(tenant) as uow:
            row = await uow.get(SearchEntry, id)
            assert len(row.said) == finding._MOST_LINES and max(map(len, row.keys.split("\n"))) == finding._MOST_LETTERS
