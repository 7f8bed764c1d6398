-- ingest: sources and their secrets, signals exactly as received, what was done with them, mappings and attribution rules.

create table ingest.source (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid,
  name text not null check (name ~ '^[a-z][a-z0-9-]{1,62}$'), kind text not null check (kind in ('webhook', 'x12', 'cloudevents')),
  status text not null default 'active' check (status in ('active', 'disabled')),
  mapping text, verify jsonb not null default '{}', zone text, strict boolean not null default false, token text not null,
  created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), unique (tenant_id, name),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('ingest.source', customer => true, no_delete => true);

-- Secrets overlap while they rotate: every one without an end, or with one to come, verifies.
create table ingest.source_secret (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, source_id uuid not null, sealed bytea not null,
  expires_at timestamptz, created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), foreign key (tenant_id, source_id) references ingest.source (tenant_id, id)
);
create index source_secret_of_source on ingest.source_secret (tenant_id, source_id, id);
select core.tenant_table('ingest.source_secret', customer => false);

-- A signal is one message exactly as it was received; nothing ever changes it.
create table ingest.signal (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, source text not null, kind text not null,
  sender_id text, content_type text not null, headers jsonb not null, trace text, raw bytea not null, received_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id)
) partition by range (id);
select core.tenant_table('ingest.signal', customer => true, append_only => true);

-- What became of it. The customer stands here once all of the signal is known to be theirs.
create table ingest.receipt (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, source text not null, kind text not null,
  status text not null default 'accepted' check (status in ('accepted', 'mapped', 'parked')),
  items bigint not null default 0, events bigint not null default 0, duplicates bigint not null default 0, parked bigint not null default 0,
  mapping text, mapping_version bigint, received_at timestamptz not null, settled_at timestamptz,
  primary key (tenant_id, id)
) with (fillfactor = 80);
create index receipt_by_source on ingest.receipt (tenant_id, source, id);
create index receipt_by_status on ingest.receipt (tenant_id, status, id);
select core.tenant_table('ingest.receipt', customer => true, no_delete => true);

-- What makes two messages the same, in a small table of its own: it is asked for every arrival and kept for 400 days.
create table ingest.signal_key (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, key bytea not null, signal_id uuid not null, body_hash bytea not null,
  primary key (tenant_id, id), unique (tenant_id, key)
);
select core.tenant_table('ingest.signal_key', customer => false);

create table ingest.parked_signal (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, signal_id uuid not null, item bigint not null, label text not null,
  source text not null, reason text not null check (reason in ('unreadable', 'unmapped', 'unattributed', 'refused')),
  detail text not null, remedy text not null, status text not null default 'open' check (status in ('open', 'settled')),
  parked_at timestamptz not null, settled_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, signal_id, item)
);
create index parked_signal_open on ingest.parked_signal (tenant_id, id) where status = 'open';
create index parked_signal_by_reason on ingest.parked_signal (tenant_id, reason, id) where status = 'open';
select core.tenant_table('ingest.parked_signal', customer => true, no_delete => true);

create table ingest.mapping (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, name text not null check (name ~ '^[a-z][a-z0-9-]{1,62}$'),
  version bigint not null check (version > 0), status text not null check (status in ('draft', 'published', 'retired')),
  content text not null, content_hash text not null, created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), unique nulls not distinct (tenant_id, name, version, customer_id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
create unique index mapping_published on ingest.mapping (tenant_id, name, customer_id) nulls not distinct where status = 'published';
select core.tenant_table('ingest.mapping', customer => true, no_delete => true);

create table ingest.attribution_rule (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, source text, content text not null,
  version bigint not null check (version > 0), status text not null check (status in ('published', 'retired')),
  created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
create index attribution_rule_live on ingest.attribution_rule (tenant_id, customer_id, id) where status = 'published';
select core.tenant_table('ingest.attribution_rule', customer => true, no_delete => true);

-- Accepts a batch of arrivals of several tenants in one round trip and one commit: key, signal, receipt, event and work of each,
-- or, for a message that came before, the id it has. Keys are taken in order, so two batches never wait for each other in a circle.
create function ingest.accept(
  p_context text, p_tenants uuid[], p_ids uuid[], p_customers uuid[], p_keys bytea[], p_hashes bytea[], p_sources text[], p_kinds text[],
  p_senders text[], p_types text[], p_headers text[], p_raws bytea[], p_key_ids uuid[], p_work_ids uuid[], p_event_ids uuid[], p_envelopes text[], p_traces text[]
) returns table (place int, signal_id uuid, is_new boolean, is_same boolean) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare fresh int[];
begin
  perform set_config('app.context', p_context, true);
  perform set_config('synchronous_commit', 'on', true);
  insert into ingest.signal_key (tenant_id, id, key, signal_id, body_hash)
  select t, k_id, k, i, h from unnest(p_tenants, p_key_ids, p_keys, p_ids, p_hashes) as x (t, k_id, k, i, h) order by t, k
  on conflict (tenant_id, key) do nothing;

  select coalesce(array_agg(n), '{}') into fresh from unnest(p_tenants, p_keys, p_ids) with ordinality as x (t, k, i, n)
  join ingest.signal_key s on s.tenant_id = x.t and s.key = x.k where s.signal_id = x.i;

  insert into ingest.signal (tenant_id, id, customer_id, source, kind, sender_id, content_type, headers, trace, raw)
  select p_tenants[n], p_ids[n], p_customers[n], p_sources[n], p_kinds[n], p_senders[n], p_types[n], p_headers[n]::jsonb, p_traces[n], p_raws[n] from unnest(fresh) n;
  insert into ingest.receipt (tenant_id, id, customer_id, source, kind, received_at)
  select p_tenants[n], p_ids[n], p_customers[n], p_sources[n], p_kinds[n], clock_timestamp() from unnest(fresh) n;
  if fresh <> '{}' then
    perform core.append_events_for(array_agg(p_tenants[n]), array_agg(p_event_ids[n]), array_agg(p_customers[n]),
      array_agg('signal.accepted'::text), array_agg('signal:' || p_ids[n]), array_agg(p_envelopes[n])) from unnest(fresh) n;
    perform core.add_works(array_agg(p_tenants[n]), array_agg(p_work_ids[n]), 'signal', array_agg(p_ids[n]), 1) from unnest(fresh) n;
  end if;

  return query select x.n::int, s.signal_id, s.signal_id = x.i, s.body_hash = x.h
  from unnest(p_tenants, p_keys, p_ids, p_hashes) with ordinality as x (t, k, i, h, n)
  join ingest.signal_key s on s.tenant_id = x.t and s.key = x.k order by x.n;
end $$;
