-- canonical: what the one search box looks through.

-- A row for each shipment, order, case, document and party, under its own id, so that newest first is by id. names[n] says what said[n] is
-- ("pro", "title", "shipper"); keys holds the same words folded (lower case, letters and digits alone), a line each.
create table canonical.search_entry (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null,
  kind text not null check (kind in ('shipment', 'order', 'case', 'document', 'party')), label text not null,
  names text[] not null, said text[] not null, keys text not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), check (cardinality(names) = cardinality(said))
);
select core.tenant_table('canonical.search_entry', customer => true);

-- One seed a tenant and kind: one tenant's words are never looked up among another's, and a word that stands in every shipment doesn't
-- hide the one document that has it.
create function canonical.gram_seed(p_tenant uuid, p_kind text) returns bigint language sql immutable parallel safe
  as $$ select hashtextextended(p_kind, hashtextextended(p_tenant::text, 0)) $$;

-- Every run of four letters of every line, and every whole line, as numbers.
create function canonical.grams(p_tenant uuid, p_kind text, p_keys text) returns bigint[] language plpgsql immutable parallel safe as $$
declare seed bigint := hashtextextended(p_kind, hashtextextended(p_tenant::text, 0)); line text; found bigint[] := '{}';
begin
  foreach line in array string_to_array(p_keys, E'\n') loop
    found := found || hashtextextended('=' || line, seed);
    for i in 1 .. length(line) - 3 loop found := found || hashtextextended(substr(line, i, 4), seed); end loop;
  end loop;
  return found;
end $$;

-- What the index is asked for words of a kind; those shorter than four letters are looked for in what it answers.
create function canonical.word_grams(p_tenant uuid, p_kind text, p_words text[]) returns bigint[] language sql immutable parallel safe as $$
  select coalesce(array_agg(distinct hashtextextended(substr(w, i, 4), canonical.gram_seed(p_tenant, p_kind))), '{}')
  from unnest(p_words) w, generate_series(1, length(w) - 3) i
$$;
create index search_entry_grams on canonical.search_entry using gin (canonical.grams(tenant_id, kind, keys)) with (gin_pending_list_limit = 1024);

-- Row-level security lets no index answer @> or LIKE. The two functions below therefore run as the look-up role, take their scope from the
-- signed context and return ids alone; what stands under an id is then read through the wall.
create function canonical.search_scope() returns table (tenant uuid, customer uuid)
  language plpgsql stable as $$
begin
  if core.ctx_case() is not null then raise exception 'a link to one case searches nothing' using errcode = '42501'; end if;
  tenant := core.ctx_tenant();
  customer := case when session_user = 'detour_customer' then core.ctx_customer() else nullif((core.context('one'))[5], '')::uuid end;
  return next;
end $$;

-- Newest entries before an id that hold all patterns, the p_budget newest being looked at one by one.
create function canonical.look_back(p_tenant uuid, p_customer uuid, p_patterns text[], p_kinds text[], p_before uuid, p_limit int, p_without uuid[], p_budget int)
  returns setof uuid language plpgsql stable as $$
begin
  if p_customer is null then
    return query select x.id from (
      select e.id, e.kind, e.keys from canonical.search_entry e where e.tenant_id = p_tenant and e.id < p_before order by e.id desc limit p_budget) x
      where x.kind = any (p_kinds) and x.keys like all (p_patterns) and x.id <> all (p_without) limit p_limit;
  else
    return query select x.id from (
      select e.id, e.kind, e.keys from canonical.search_entry e
      where e.tenant_id = p_tenant and e.customer_id = p_customer and e.id < p_before order by e.customer_id desc, e.id desc limit p_budget) x
      where x.kind = any (p_kinds) and x.keys like all (p_patterns) and x.id <> all (p_without) limit p_limit;
  end if;
end $$;

-- The last of the p_budget newest entries before an id; null when there are fewer.
create function canonical.looked_until(p_tenant uuid, p_customer uuid, p_before uuid, p_budget int) returns uuid language plpgsql stable as $$
begin
  if p_customer is null then
    return (select e.id from canonical.search_entry e where e.tenant_id = p_tenant and e.id < p_before order by e.id desc offset p_budget - 1 limit 1);
  end if;
  return (select e.id from canonical.search_entry e where e.tenant_id = p_tenant and e.customer_id = p_customer and e.id < p_before
          order by e.customer_id desc, e.id desc offset p_budget - 1 limit 1);
end $$;

-- The entries that have p_word as a whole line, newest first; none when there are more than a hundred, which then are no find.
create function canonical.find_whole(p_word text, p_kinds text[]) returns setof uuid
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare s record; k text; few uuid[]; hits uuid[] := '{}';
begin
  select * into s from canonical.search_scope();
  foreach k in array p_kinds loop
    select array_agg(x.id) into few from (
      select e.id from canonical.search_entry e
      where canonical.grams(e.tenant_id, e.kind, e.keys) @> array[hashtextextended('=' || p_word, canonical.gram_seed(s.tenant, k))] limit 2001) x;
    hits := hits || coalesce(few, '{}');
    if cardinality(hits) > 2000 then return; end if;
  end loop;
  select array_agg(e.id order by e.id desc) into hits from canonical.search_entry e
  where e.tenant_id = s.tenant and e.id = any (hits) and (s.customer is null or e.customer_id = s.customer)
    and e.kind = any (p_kinds) and p_word = any (string_to_array(e.keys, E'\n'));
  if cardinality(hits) <= 100 then return query select unnest(hits); end if;
end $$;

-- The newest p_limit entries before an id that hold all words, without some. Three ways, the cheapest first: the newest 2,000 entries are
-- looked at one by one (a word that stands everywhere is found there); then the index is asked, whose answer is taken when it is at most
-- 2,000 entries; else 50,000 more are looked at one by one. A last row with looked_until says that what is older was not looked at.
create function canonical.find_within(p_words text[], p_kinds text[], p_before uuid, p_limit int, p_without uuid[]) returns table (id uuid, looked_until uuid)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  s record; k text; patterns text[] := array(select '%' || w || '%' from unnest(p_words) w); few uuid[]; hits uuid[] := '{}'; wanted int := p_limit;
  n int; mark uuid;
begin
  select * into s from canonical.search_scope();
  return query select f, null::uuid from canonical.look_back(s.tenant, s.customer, patterns, p_kinds, p_before, wanted, p_without, 2000) f;
  get diagnostics n = row_count;
  wanted := wanted - n;
  mark := canonical.looked_until(s.tenant, s.customer, p_before, 2000);
  if wanted = 0 or mark is null then return; end if;
  foreach k in array p_kinds loop
    -- Counted before a customer's own are picked: a word that stands everywhere must cost a customer no more than the partner.
    select array_agg(x.id) into few from (
      select e.id from canonical.search_entry e where canonical.grams(e.tenant_id, e.kind, e.keys) @> canonical.word_grams(s.tenant, k, p_words) limit 2001) x;
    hits := hits || coalesce(few, '{}');
    exit when cardinality(hits) > 2000;
  end loop;
  if cardinality(hits) <= 2000 then
    return query select e.id, null::uuid from canonical.search_entry e
      where e.tenant_id = s.tenant and e.id = any (hits) and e.id < mark and (s.customer is null or e.customer_id = s.customer)
        and e.kind = any (p_kinds) and e.keys like all (patterns) and e.id <> all (p_without) order by e.id desc limit wanted;
    return;
  end if;
  return query select f, null::uuid from canonical.look_back(s.tenant, s.customer, patterns, p_kinds, mark, wanted, p_without, 50000) f;
  get diagnostics n = row_count;
  mark := canonical.looked_until(s.tenant, s.customer, mark, 50000);
  if n < wanted and mark is not null then return query select null::uuid, mark; end if;
end $$;
