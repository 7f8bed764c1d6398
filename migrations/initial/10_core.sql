-- core: the signed context, the wall's helpers, platform tables, the event store and the queue of work.

-- HMAC-SHA256 from the built-in sha256: the two padded key blocks are stored, the key itself is not.
create table core.signing_key (
  kid int primary key, ipad bytea not null, opad bytea not null, created_at timestamptz not null default clock_timestamp()
);

-- app.context = v1|kid|kind|tenants|customer|case|actor|exp|hmac, kind: one | set. Loud when unset, forged, expired or of the wrong kind.
create function core.context(want text) returns text[] language plpgsql stable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$
declare raw text := current_setting('app.context', true); part text[]; k core.signing_key;
begin
  if coalesce(raw, '') = '' then raise exception 'no tenant context' using errcode = '42501'; end if;
  part := string_to_array(raw, '|');
  if array_length(part, 1) <> 9 or part[1] <> 'v1' or part[2] !~ '^[0-9]{1,9}$' then
    raise exception 'forged tenant context' using errcode = '42501';
  end if;
  select * into k from core.signing_key where kid = part[2]::int;
  if k.kid is null or encode(sha256(k.opad || sha256(k.ipad || convert_to(left(raw, -65), 'UTF8'))), 'hex') <> part[9] then
    raise exception 'forged tenant context' using errcode = '42501';
  end if;
  if part[3] <> want and want <> 'any' then
    raise exception 'context of kind %, % needed', part[3], want using errcode = '42501';
  end if;
  if part[8]::bigint < extract(epoch from clock_timestamp()) then raise exception 'expired tenant context' using errcode = '42501'; end if;
  return part;
end $$;

create function core.ctx_tenant() returns uuid language sql stable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$ select (core.context('one'))[4]::uuid $$;
create function core.ctx_tenants() returns uuid[] language sql stable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$ select string_to_array((core.context('set'))[4], ',')::uuid[] $$;
create function core.ctx_customer() returns uuid language plpgsql stable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$
declare c text := (core.context('one'))[5];
begin
  if c = '' then raise exception 'no customer in the context' using errcode = '42501'; end if;
  return c::uuid;
end $$;
create function core.ctx_case() returns uuid language sql stable parallel safe
  security definer set search_path = pg_catalog, pg_temp as $$ select nullif((core.context('one'))[6], '')::uuid $$;

-- A version 7 id's lower bound at a moment: partitions of append-only tables are ranges of ids, which are ranges of time.
create function core.uuid_at(moment timestamptz) returns uuid language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Every policy of one table, per role. `using (true)` opens the table, the restrictive ones close it to the context's scope.
create function core.wall(t regclass, customer boolean, case_column text) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format($f$
    alter table %1$s enable row level security;
    alter table %1$s force row level security;
    create policy opened on %1$s to detour_app, detour_customer, detour_batch using (true) with check (true);
    create policy tenant on %1$s as restrictive to detour_app, detour_customer
      using (tenant_id = (select core.ctx_tenant())) with check (tenant_id = (select core.ctx_tenant()));
    create policy tenants on %1$s as restrictive to detour_batch
      using (tenant_id = any ((select core.ctx_tenants())::uuid[])) with check (tenant_id = any ((select core.ctx_tenants())::uuid[]));
    grant select on %1$s to detour_backup;
    create policy owner_opened on %1$s to detour_owner using (true) with check (true);
    create policy owner_loud on %1$s as restrictive to detour_owner
      using (tenant_id = (select core.ctx_tenant())) with check (tenant_id = (select core.ctx_tenant()));
  $f$, t);
  if customer then
    execute format($f$
      create policy customer on %1$s as restrictive to detour_customer
        using (customer_id = (select core.ctx_customer())) with check (customer_id = (select core.ctx_customer()));
    $f$, t);
  end if;
  if case_column is not null then
    execute format($f$
      create policy one_case on %1$s as restrictive to detour_customer
        using ((select core.ctx_case()) is null or %2$I = (select core.ctx_case()))
        with check ((select core.ctx_case()) is null or %2$I = (select core.ctx_case()));
    $f$, t, case_column);
  end if;
end $$;

-- Which options a tenant table was declared with; partitions made later are built from it, and the catalog test reads it.
create table core.tenant_table_option (
  name text primary key, customer boolean not null, append_only boolean not null, no_delete boolean not null, case_column text
);

-- One partition a calendar month (UTC), from the month of `since` to `ahead` months from now; the first also takes everything older.
create function core.ensure_partitions(t regclass, ahead int) returns int language plpgsql set search_path = pg_catalog, pg_temp as $$
declare o core.tenant_table_option; s text; n text; lo timestamptz; part text; made int := 0; first boolean;
begin
  select * into o from core.tenant_table_option where name = t::text;
  select nspname, relname into s, n from pg_class c join pg_namespace x on x.oid = c.relnamespace where c.oid = t;
  first := not exists (select from pg_inherits where inhparent = t);
  lo := date_trunc('month', clock_timestamp(), 'UTC');
  if first then
    part := format('%I.%I', s, n || '_p0');
    execute format('create table %s partition of %s for values from (%L) to (%L)', part, t, '00000000-0000-0000-0000-000000000000', core.uuid_at(lo));
    perform core.wall(part::regclass, o.customer, o.case_column);
  end if;
  for i in 0..ahead loop
    part := format('%I.%I', s, n || '_p' || to_char(lo at time zone 'UTC', 'YYYYMM'));
    if to_regclass(part) is null then
      execute format('create table %s partition of %s for values from (%L) to (%L)', part, t, core.uuid_at(lo), core.uuid_at(lo + interval '1 month'));
      perform core.wall(part::regclass, o.customer, o.case_column);
      made := made + 1;
    end if;
    lo := (lo at time zone 'UTC' + interval '1 month') at time zone 'UTC';
  end loop;
  return made;
end $$;

-- Declares a tenant table: policies per role under FORCE, grants, the customer index, partitions. Nothing here can be forgotten.
create function core.tenant_table(t regclass, customer boolean, append_only boolean default false, no_delete boolean default false,
                                  case_column text default null) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into core.tenant_table_option values (t::text, customer, append_only, no_delete, case_column);
  perform core.wall(t, customer, case_column);
  execute format('grant select, insert on %s to detour_app, detour_batch', t);
  if not append_only then execute format('grant update on %s to detour_app, detour_batch', t); end if;
  if not append_only and not no_delete then execute format('grant delete on %s to detour_app', t); end if;
  if customer then
    execute format('grant select, insert on %s to detour_customer', t);
    if not append_only then execute format('grant update on %s to detour_customer', t); end if;
    execute format('create index on %s (tenant_id, customer_id, id)', t);
  end if;
  if append_only then perform core.ensure_partitions(t, 3); end if;
end $$;

-- Platform tables: a closed list. Runtime roles reach them through the functions below only.
create table core.partner (
  id uuid primary key, slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,62}$'), name text not null,
  type text not null check (type in ('msp', 'erp_partner', 'system_integrator', 'saas', 'enterprise_service')),
  event_namespace text not null unique check (event_namespace ~ '^[a-z][a-z0-9-]{1,62}$'), status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default clock_timestamp()
);
create table core.tenant (
  id uuid primary key, partner_id uuid not null references core.partner (id), environment text not null check (environment in ('dev', 'test', 'live')),
  weight int not null default 100 check (weight between 1 and 10000), status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default clock_timestamp(), unique (partner_id, environment)
);
create table core.domain_lookup (host text primary key check (host = lower(host)), tenant_id uuid not null references core.tenant (id), domain_id uuid not null);
create table core.key_lookup (public_id text primary key, tenant_id uuid not null references core.tenant (id), key_id uuid not null);
create table core.token_lookup (
  token_hash bytea primary key, kind text not null, tenant_id uuid not null references core.tenant (id), subject_id uuid not null, expires_at timestamptz
);
create table core.platform_key (
  id uuid primary key, public_id text not null unique, secret_hash bytea not null, name text not null,
  created_at timestamptz not null default clock_timestamp(), revoked_at timestamptz
);
create table core.platform_log (
  id uuid primary key, at timestamptz not null default clock_timestamp(), actor text not null, reason text not null, tenant_id uuid, action text not null, data jsonb not null default '{}'
);
create table core.dispatcher_lease (name text primary key, holder uuid not null, expires_at timestamptz not null);
create table core.work (
  id uuid primary key, tenant_id uuid not null, kind text not null, subject uuid not null, subjects uuid[],
  class smallint not null default 1 check (class between 0 and 2), ready boolean not null, due timestamptz not null,
  tries int not null default 0, version int not null default 1, token uuid, error text, parked_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, kind, subject)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, fillfactor = 80);
create index work_ready on core.work (tenant_id, class, due) where ready;
create index work_waiting on core.work (due) where not ready and parked_at is null;
create index work_parked on core.work (tenant_id, id) where parked_at is not null;

-- The one event store: outbox, what listeners read, what audit chains.
create table core.event (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, type text not null, key text,
  recorded_at timestamptz not null default clock_timestamp(), envelope jsonb not null, primary key (tenant_id, id)
) partition by range (id);
create index event_by_key on core.event (tenant_id, key, id) where key is not null;
create index event_by_type on core.event (tenant_id, type, id);
-- A customer's transaction may write an event of its own scope only.
select core.tenant_table('core.event', customer => true, append_only => true);

create table core.idempotency (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, principal text not null, key text not null,
  request_hash bytea not null, status int, headers jsonb, body bytea, created_at timestamptz not null default clock_timestamp(), expires_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, principal, key)
);
create index on core.idempotency (tenant_id, expires_at);
select core.tenant_table('core.idempotency', customer => true);

-- Work: rows without payload, written with the state they belong to; the tenant comes from the context, never from the caller.
create function core.add_work(p_id uuid, p_kind text, p_subject uuid, p_due timestamptz, p_class int, p_subjects uuid[]) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into core.work as w (id, tenant_id, kind, subject, subjects, class, ready, due)
  select p_id, core.ctx_tenant(), p_kind, p_subject, p_subjects, p_class, coalesce(p_due, '-infinity') <= clock_timestamp(), coalesce(p_due, clock_timestamp())
  on conflict (tenant_id, kind, subject) do update
    set due = excluded.due, ready = excluded.ready, class = least(w.class, excluded.class), version = w.version + 1, tries = 0, parked_at = null, error = null
$$;
create function core.add_works(p_tenants uuid[], p_ids uuid[], p_kind text, p_subjects uuid[], p_class int) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not p_tenants <@ core.ctx_tenants() then raise exception 'tenant outside the context' using errcode = '42501'; end if;
  insert into core.work (id, tenant_id, kind, subject, class, ready, due)
  select i, t, p_kind, s, p_class, true, clock_timestamp() from unnest(p_ids, p_tenants, p_subjects) as x (i, t, s) order by t, s
  on conflict (tenant_id, kind, subject) do nothing;
end $$;
create function core.drop_work(p_kind text, p_subject uuid) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from core.work where tenant_id = core.ctx_tenant() and kind = p_kind and subject = p_subject
$$;
-- Leases up to p_limit ready items of the context's tenant: due moves forward by the lease, a random token fences late finishers.
create function core.claim_work(p_kinds text[], p_limit int, p_lease interval, p_token uuid)
  returns table (id uuid, kind text, subject uuid, subjects uuid[], class smallint, tries int, version int)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with picked as (
    select w.id from core.work w where w.tenant_id = core.ctx_tenant() and w.ready and w.due <= clock_timestamp() and w.kind = any (p_kinds)
    order by w.class, w.due limit p_limit for update skip locked)
  update core.work w set due = clock_timestamp() + p_lease, tries = w.tries + 1, token = p_token
  from picked where w.id = picked.id
  returning w.id, w.kind, w.subject, w.subjects, w.class, w.tries, w.version
$$;
-- True when this token still holds the item; the row stays when somebody asked for the same work again meanwhile.
create function core.finish_work(p_id uuid, p_token uuid, p_version int) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare w core.work;
begin
  select * into w from core.work where id = p_id and tenant_id = core.ctx_tenant() for update;
  if w.id is null or w.token is distinct from p_token then return false; end if;
  if w.version = p_version then delete from core.work where id = p_id; end if;
  return true;
end $$;
create function core.renew_work(p_ids uuid[], p_token uuid, p_lease interval) returns int language sql security definer set search_path = pg_catalog, pg_temp as $$
  with r as (update core.work set due = clock_timestamp() + p_lease where id = any (p_ids) and tenant_id = core.ctx_tenant() and token = p_token returning 1)
  select count(*)::int from r
$$;
create function core.retry_work(p_id uuid, p_token uuid, p_delay interval, p_error text) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update core.work set due = clock_timestamp() + p_delay, ready = (p_delay < interval '1 second'), error = left(p_error, 2000)
  where id = p_id and tenant_id = core.ctx_tenant() and token = p_token;
  return found;
end $$;
create function core.park_work(p_id uuid, p_token uuid, p_error text) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update core.work set ready = false, parked_at = clock_timestamp(), error = left(p_error, 2000), token = null
  where id = p_id and tenant_id = core.ctx_tenant() and token = p_token;
  return found;
end $$;
create function core.unpark_work(p_id uuid) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update core.work set ready = true, due = clock_timestamp(), parked_at = null, tries = 0, version = version + 1
  where id = p_id and tenant_id = core.ctx_tenant() and parked_at is not null;
  return found;
end $$;
create function core.parked_work() returns table (id uuid, kind text, subject uuid, tries int, error text, parked_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id, kind, subject, tries, error, parked_at from core.work where tenant_id = core.ctx_tenant() and parked_at is not null order by id limit 500
$$;

-- Appends a transaction's events and the one row that delivers them.
create function core.append_events(p_ids uuid[], p_customers uuid[], p_types text[], p_keys text[], p_envelopes text[], p_deliver uuid) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into core.event (tenant_id, id, customer_id, type, key, envelope)
  select core.ctx_tenant(), i, c, t, k, e::jsonb from unnest(p_ids, p_customers, p_types, p_keys, p_envelopes) as x (i, c, t, k, e);
  perform core.add_work(p_deliver, 'deliver', p_deliver, null, 1, p_ids);
end $$;

-- Look-ups across tenants, a closed list: they return ids only and belong to a role that sees only these columns.
create function core.find_tenant_by_host(p_host text) returns table (tenant_id uuid, domain_id uuid) language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select d.tenant_id, d.domain_id from core.domain_lookup d join core.tenant t on t.id = d.tenant_id where d.host = lower(p_host) and t.status = 'active' $$;
create function core.find_key(p_public_id text) returns table (tenant_id uuid, key_id uuid) language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select tenant_id, key_id from core.key_lookup where public_id = p_public_id $$;
create function core.find_token(p_hash bytea, p_kind text) returns table (tenant_id uuid, subject_id uuid, expires_at timestamptz) language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select tenant_id, subject_id, expires_at from core.token_lookup where token_hash = p_hash and kind = p_kind $$;
create function core.find_platform_key(p_public_id text) returns table (key_id uuid, secret_hash bytea, name text) language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select id, secret_hash, name from core.platform_key where public_id = p_public_id and revoked_at is null $$;
create function core.tenant_info() returns table (tenant_id uuid, environment text, status text, partner_id uuid, partner_slug text, partner_name text, partner_type text, event_namespace text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.id, t.environment, t.status, p.id, p.slug, p.name, p.type, p.event_namespace
  from core.tenant t join core.partner p on p.id = t.partner_id where t.id = core.ctx_tenant()
$$;
create function core.find_tenant(p_partner text, p_environment text) returns uuid language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select t.id from core.tenant t join core.partner p on p.id = t.partner_id where p.slug = p_partner and t.environment = p_environment $$;

-- Registrations: the tenant comes from the context; a host or key that another tenant holds is refused, not taken over.
create function core.register_domain(p_host text, p_domain uuid) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into core.domain_lookup values (lower(p_host), core.ctx_tenant(), p_domain)
  on conflict (host) do update set domain_id = excluded.domain_id where core.domain_lookup.tenant_id = excluded.tenant_id;
  return found;
end $$;
create function core.unregister_domain(p_host text) returns void language sql security definer set search_path = pg_catalog, pg_temp
  as $$ delete from core.domain_lookup where host = lower(p_host) and tenant_id = core.ctx_tenant() $$;
create function core.register_key(p_public_id text, p_key uuid) returns void language sql security definer set search_path = pg_catalog, pg_temp
  as $$ insert into core.key_lookup values (p_public_id, core.ctx_tenant(), p_key) $$;
create function core.register_token(p_hash bytea, p_kind text, p_subject uuid, p_expires timestamptz) returns void language sql security definer set search_path = pg_catalog, pg_temp
  as $$ insert into core.token_lookup values (p_hash, p_kind, core.ctx_tenant(), p_subject, p_expires) $$;
create function core.unregister_token(p_hash bytea) returns void language sql security definer set search_path = pg_catalog, pg_temp
  as $$ delete from core.token_lookup where token_hash = p_hash and tenant_id = core.ctx_tenant() $$;

-- The dispatcher's view of work: which tenants have something ready, one step of an index scan a tenant.
create function core.ready_tenants(p_after uuid, p_limit int) returns table (tenant_id uuid, class smallint, due timestamptz) language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare at uuid := p_after; row record; n int := 0;
begin
  while n < p_limit loop
    select w.tenant_id, w.class, w.due into row from core.work w where w.ready and w.tenant_id > at and w.due <= clock_timestamp() order by w.tenant_id, w.class, w.due limit 1;
    exit when not found;
    tenant_id := row.tenant_id; class := row.class; due := row.due; at := row.tenant_id; n := n + 1;
    return next;
  end loop;
end $$;
create function core.wake_due() returns int language sql set search_path = pg_catalog, pg_temp as $$
  with d as (select id from core.work where not ready and parked_at is null and due <= clock_timestamp() order by due limit 2000 for update skip locked),
       u as (update core.work w set ready = true from d where w.id = d.id returning 1)
  select count(*)::int from u
$$;
create function core.keep_partitions() returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n text; made int := 0;
begin
  for n in select name from core.tenant_table_option where append_only loop made := made + core.ensure_partitions(n::regclass, 3); end loop;
  return made;
end $$;

-- The same for a set of tenants (accepting signals): one deliver row a tenant, in one statement each.
create function core.append_events_for(p_tenants uuid[], p_ids uuid[], p_customers uuid[], p_types text[], p_keys text[], p_envelopes text[]) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into core.event (tenant_id, id, customer_id, type, key, envelope)
  select t, i, c, y, k, e::jsonb from unnest(p_tenants, p_ids, p_customers, p_types, p_keys, p_envelopes) as x (t, i, c, y, k, e);
  perform core.add_deliveries(p_tenants, p_ids);
end $$;
create function core.add_deliveries(p_tenants uuid[], p_ids uuid[]) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not p_tenants <@ core.ctx_tenants() then raise exception 'tenant outside the context' using errcode = '42501'; end if;
  -- The first event's id names the row: unique, and in the order of the ids.
  insert into core.work (id, tenant_id, kind, subject, subjects, class, ready, due)
  select (array_agg(i order by i))[1], t, 'deliver', (array_agg(i order by i))[1], array_agg(i order by i), 1, true, clock_timestamp()
  from unnest(p_tenants, p_ids) as x (t, i) group by t order by t;
end $$;

-- Ready items of a kind whose handler leases by its own means.
create function core.ready_work(p_kind text, p_limit int) returns table (id uuid, subject uuid, tries int, version int)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id, subject, tries, version from core.work
  where tenant_id = core.ctx_tenant() and ready and due <= clock_timestamp() and kind = p_kind order by class, due limit p_limit
$$;
