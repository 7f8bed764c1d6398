-- workflows: definitions, runs and their log, waits for events, effects; and the functions a run advances by.

create table workflows.workflow_definition (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid,
  name text not null check (name ~ '^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$'), version bigint not null check (version > 0),
  status text not null check (status in ('draft', 'published', 'retired')), namespace text not null, title text not null,
  content text not null, content_hash text not null, document jsonb not null, starts_on text[] not null default '{}',
  created_at timestamptz not null, created_by text not null, published_at timestamptz, published_by text, retired_at timestamptz,
  primary key (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  unique nulls not distinct (tenant_id, name, version, customer_id)
);
create unique index workflow_published on workflows.workflow_definition (tenant_id, name, customer_id) nulls not distinct where status = 'published';
create index workflow_starting on workflows.workflow_definition (tenant_id, id) where status = 'published' and starts_on <> '{}';
select core.tenant_table('workflows.workflow_definition', customer => true, no_delete => true);

-- The whole of a run that goes on: `state` is the interpreter's continuation, `lease_token` fences whoever lost it.
create table workflows.workflow_run (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid,
  definition_id uuid not null, name text not null, version bigint not null,
  status text not null check (status in ('running', 'suspended', 'completed', 'faulted', 'cancelled')),
  start_key text not null check (length(start_key) between 1 and 300), business_key text, depth bigint not null default 0 check (depth between 0 and 8),
  input jsonb not null, state jsonb, output jsonb, problem jsonb, reason text, waiting_for text[] not null default '{}',
  trace text, lease_token uuid, lease_until timestamptz, executions bigint not null default 0,
  cancel_requested boolean not null default false, requests jsonb not null default '[]',
  last_seq bigint not null default 0, started_at timestamptz not null, changed_at timestamptz not null, ended_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, start_key),
  foreign key (tenant_id, definition_id) references workflows.workflow_definition (tenant_id, id)
) with (fillfactor = 70);
create index workflow_run_status on workflows.workflow_run (tenant_id, status, id);
create index workflow_run_case on workflows.workflow_run (tenant_id, case_id, id) where case_id is not null;
create index workflow_run_definition on workflows.workflow_run (tenant_id, definition_id, id);
select core.tenant_table('workflows.workflow_run', customer => true, no_delete => true, case_column => 'case_id');

create table workflows.task_run (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid, run_id uuid not null,
  seq bigint not null, ref text not null, name text not null, kind text not null, path text not null, attempt bigint not null,
  status text not null check (status in ('completed', 'faulted', 'skipped', 'cancelled', 'retried')),
  input jsonb, output jsonb, problem jsonb, effect_key text, started_at timestamptz not null, ended_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
create index task_run_of on workflows.task_run (tenant_id, run_id, seq);
select core.tenant_table('workflows.task_run', customer => true, append_only => true, case_column => 'case_id');

-- One intended effect under its stable key; `unknown` is what nobody here can tell yet.
create table workflows.effect (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, run_id uuid not null, key text not null, ref text not null, request_hash text not null,
  status text not null check (status in ('started', 'done', 'refused', 'failed', 'unknown')), outcome jsonb,
  started_at timestamptz not null, settled_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, run_id, key), foreign key (tenant_id, run_id) references workflows.workflow_run (tenant_id, id)
);
select core.tenant_table('workflows.effect', customer => false, no_delete => true);

-- What a run waits for; `event_key` null = any event of the type, looked at by the run itself.
create table workflows.wait (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid, run_id uuid not null, key text not null, ref text not null,
  event_type text not null, event_key text, opened_at timestamptz not null,
  primary key (tenant_id, id), unique nulls not distinct (tenant_id, run_id, key, event_type, event_key),
  foreign key (tenant_id, run_id) references workflows.workflow_run (tenant_id, id)
);
create index wait_match on workflows.wait (tenant_id, event_type, event_key);
select core.tenant_table('workflows.wait', customer => true, case_column => 'case_id');

-- The inbox of a run: an event that came for one of its waits, until the run has taken it.
create table workflows.heard (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid, run_id uuid not null, wait_key text not null, ref text not null,
  event_id uuid not null, heard_at timestamptz not null, taken_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, run_id, wait_key, event_id)
);
create index heard_unread on workflows.heard (tenant_id, run_id) where taken_at is null;
create index heard_at_task on workflows.heard (tenant_id, run_id, ref, event_id);
select core.tenant_table('workflows.heard', customer => true, no_delete => true, case_column => 'case_id');

-- Values too large to be rewritten with every turn, by their hash.
create table workflows.held_value (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, run_id uuid not null, hash text not null, value jsonb not null,
  primary key (tenant_id, id), unique (tenant_id, run_id, hash), foreign key (tenant_id, run_id) references workflows.workflow_run (tenant_id, id)
);
select core.tenant_table('workflows.held_value', customer => false);

-- Correlation. Opening a wait holds the stripes of its names alone, an arriving event shares them: whichever of the two commits
-- first is seen by the other, since the other's next statement has a newer snapshot. One statement for both misses it.
-- The one lock order: whole tenant, stripes ascending, runs by id, waits, work by subject.
create function workflows.stripe(p_tenant uuid, p_name text) returns int language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select (hashtextextended(p_tenant::text || '|' || p_name, 60) & 4095)::int
$$;
create function workflows.share_stripes(p_names text[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare t uuid := core.ctx_tenant(); found int[];
begin
  select array_agg(distinct workflows.stripe(t, n) order by workflows.stripe(t, n)) into found from unnest(p_names) as x (n) where n is not null;
  if cardinality(found) > 256 then
    -- So many single locks would fill the shared lock table: one for the whole tenant instead.
    perform pg_advisory_xact_lock(7300061, hashtext(t::text));
  else
    for i in 1..coalesce(cardinality(found), 0) loop perform pg_advisory_xact_lock_shared(7300060, found[i]); end loop;
  end if;
end $$;
create function workflows.arrive(p_ids uuid[], p_customers uuid[], p_types text[], p_keys text[], p_subjects text[]) returns uuid[]
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare t uuid := core.ctx_tenant(); runs uuid[];
begin
  perform workflows.share_stripes((select array_agg(distinct n) from unnest(p_keys || p_subjects || (select array_agg('type:' || y) from unnest(p_types) y)) n));
  with woken as (
    insert into workflows.heard (tenant_id, id, customer_id, case_id, run_id, wait_key, ref, event_id, heard_at)
    select distinct on (w.run_id, w.key, c.id) t, gen_random_uuid(), w.customer_id, w.case_id, w.run_id, w.key, w.ref, c.id, clock_timestamp()
    from unnest(p_ids, p_customers, p_types, p_keys, p_subjects) as c (id, customer, type, key, subject)
    join workflows.wait w on w.tenant_id = t and w.event_type = c.type and (w.event_key is null or w.event_key in (c.key, c.subject))
      and (w.customer_id is null or c.customer is null or w.customer_id = c.customer)
    order by w.run_id, w.key, c.id
    on conflict do nothing returning run_id)
  select array_agg(distinct run_id order by run_id) into runs from woken;
  for i in 1..coalesce(cardinality(runs), 0) loop perform core.add_work(gen_random_uuid(), 'run', runs[i], null, 0, null); end loop;
  return coalesce(runs, '{}');
end $$;

-- Every way an event is written passes here, so no event can forget to wake. A transaction over several tenants is left to delivery.
create function workflows.wake_runs() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if (core.context('any'))[3] = 'one' then
    perform workflows.arrive(array_agg(id), array_agg(customer_id), array_agg(type), array_agg(key), array_agg(envelope ->> 'subject')) from arrived;
  end if;
  return null;
end $$;
create trigger wake_runs after insert on core.event referencing new table as arrived for each statement execute function workflows.wake_runs();

create function workflows.unread(p_run uuid) returns jsonb language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', h.id, 'wait', h.wait_key, 'recorded_at', e.recorded_at, 'event', e.envelope) order by h.event_id), '[]')
  from workflows.heard h join core.event e on e.tenant_id = h.tenant_id and e.id = h.event_id
  where h.tenant_id = core.ctx_tenant() and h.run_id = p_run and h.taken_at is null
$$;

-- Takes a run that is due: nothing when somebody holds it or it rests. The count of executions commits before the step runs
-- and a turn sets it back (to the one that its own effects begin), so the claimer after a step killed its worker three times is told so
-- and takes nothing.
create function workflows.claim(p_context text, p_run uuid, p_token uuid, p_seconds int, p_work uuid)
  returns table (definition_id uuid, customer_id uuid, case_id uuid, input jsonb, state jsonb, executions bigint, cancel_requested boolean, requests jsonb,
                 started_at timestamptz, unread jsonb, held jsonb, at timestamptz, trace text)
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare r workflows.workflow_run; t uuid;
begin
  perform set_config('app.context', p_context, true);
  perform set_config('synchronous_commit', 'off', true);
  t := core.ctx_tenant();
  select * into r from workflows.workflow_run x where x.tenant_id = t and x.id = p_run for no key update;
  if r.id is null or r.status <> 'running' then perform core.drop_work('run', p_run); return; end if;
  -- Held by somebody: whoever holds it sees what came within two seconds; until the lease ends there is nothing to offer.
  if r.lease_until > clock_timestamp() then perform core.add_work(p_work, 'run', p_run, r.lease_until, 1, null); return; end if;
  if r.executions < 3 then
    update workflows.workflow_run x set lease_token = p_token, lease_until = clock_timestamp() + make_interval(secs => p_seconds), executions = x.executions + 1
      where x.tenant_id = t and x.id = p_run;
    perform core.add_work(p_work, 'run', p_run, clock_timestamp() + make_interval(secs => p_seconds), 1, null);
  end if;
  return query select r.definition_id, r.customer_id, r.case_id, r.input, r.state, r.executions + 1, r.cancel_requested, r.requests, r.started_at,
    workflows.unread(p_run),
    (select coalesce(jsonb_object_agg(v.hash, v.value), '{}') from workflows.held_value v where v.tenant_id = t and v.run_id = p_run and r.state -> 'held' ? v.hash),
    clock_timestamp(), r.trace;
end $$;

create function workflows.renew(p_context text, p_run uuid, p_token uuid, p_seconds int, p_work uuid)
  returns table (status text, cancel_requested boolean, unread jsonb) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare r workflows.workflow_run; t uuid;
begin
  perform set_config('app.context', p_context, true);
  perform set_config('synchronous_commit', 'off', true);
  t := core.ctx_tenant();
  update workflows.workflow_run x set lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    where x.tenant_id = t and x.id = p_run and x.lease_token = p_token returning * into r;
  if r.id is null then return; end if;
  perform core.add_work(p_work, 'run', p_run, clock_timestamp() + make_interval(secs => p_seconds), 1, null);
  return query select r.status, r.cancel_requested, workflows.unread(p_run);
end $$;

-- One turn of a run: everything that follows from one arrival, in one commit. No row = the lease was lost and nothing is written.
-- `p_context` null = inside a transaction that has its context already.
create function workflows.turn(p_context text, p_run uuid, p_token uuid, p jsonb)
  returns table (status text, cancel_requested boolean, unread jsonb, known jsonb) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare r workflows.workflow_run; t uuid; lock record; pending jsonb; next_due timestamptz; next_status text; resting boolean; others uuid[]; w uuid;
begin
  if p_context is not null then perform set_config('app.context', p_context, true); end if;
  t := core.ctx_tenant();
  if jsonb_array_length(p -> 'opened') > 0 then perform pg_advisory_xact_lock_shared(7300061, hashtext(t::text)); end if;
  for lock in
    select workflows.stripe(t, n) as stripe, bool_or(alone) as alone from (
      select coalesce(o ->> 'event_key', 'type:' || (o ->> 'type')) as n, true as alone from jsonb_array_elements(p -> 'opened') o
      union all select unnest(array[e ->> 'key', e ->> 'subject', 'type:' || (e ->> 'type')]), false from jsonb_array_elements(p -> 'events') e) x
    where n is not null group by 1 order by 1
  loop
    if lock.alone then perform pg_advisory_xact_lock(7300060, lock.stripe); else perform pg_advisory_xact_lock_shared(7300060, lock.stripe); end if;
  end loop;

  select * into r from workflows.workflow_run x where x.tenant_id = t and x.id = p_run for no key update;
  if r.id is null or r.lease_token is distinct from p_token then return; end if;

  delete from workflows.wait x where x.tenant_id = t and x.run_id = p_run and x.key = any (array(select jsonb_array_elements_text(p -> 'closed')));
  insert into workflows.wait (tenant_id, id, customer_id, case_id, run_id, key, ref, event_type, event_key, opened_at)
    select t, o.id, r.customer_id, r.case_id, p_run, o.key, o.ref, o.type, o.event_key, clock_timestamp()
    from jsonb_to_recordset(p -> 'opened') as o (id uuid, key text, ref text, type text, event_key text) on conflict do nothing;
  -- Look back, under the lock: what came since the run began and this task has not had before.
  insert into workflows.heard (tenant_id, id, customer_id, case_id, run_id, wait_key, ref, event_id, heard_at)
    select distinct on (o.key, e.id) t, gen_random_uuid(), r.customer_id, r.case_id, p_run, o.key, o.ref, e.id, clock_timestamp()
    from jsonb_to_recordset(p -> 'opened') as o (key text, ref text, type text, event_key text)
    join core.event e on e.tenant_id = t and e.type = o.type and e.id >= core.uuid_at(r.started_at)
      and (o.event_key is null or e.key = o.event_key or e.envelope ->> 'subject' = o.event_key)
      and (r.customer_id is null or e.customer_id is null or e.customer_id = r.customer_id)
    where not exists (select from workflows.heard h where h.tenant_id = t and h.run_id = p_run and h.ref = o.ref and h.event_id = e.id)
    order by o.key, e.id
    on conflict do nothing;
  update workflows.heard x set taken_at = clock_timestamp()
    where x.tenant_id = t and x.id = any (array(select jsonb_array_elements_text(p -> 'taken'))::uuid[]);

  insert into workflows.task_run (tenant_id, id, customer_id, case_id, run_id, seq, ref, name, kind, path, attempt, status, input, output, problem, effect_key, started_at, ended_at)
    select t, s.id, r.customer_id, r.case_id, p_run, r.last_seq + s.n, s.ref, s.name, s.kind, s.path, s.attempt, s.status, s.input, s.output, s.problem, s.effect_key, s.started_at, s.ended_at
    from jsonb_to_recordset(p -> 'steps') as s (id uuid, n bigint, ref text, name text, kind text, path text, attempt bigint, status text, input jsonb, output jsonb,
      problem jsonb, effect_key text, started_at timestamptz, ended_at timestamptz);
  insert into workflows.effect (tenant_id, id, run_id, key, ref, request_hash, status, started_at)
    select t, e.id, p_run, e.key, e.ref, e.request_hash, 'started', clock_timestamp()
    from jsonb_to_recordset(p -> 'started') as e (id uuid, key text, ref text, request_hash text) on conflict do nothing;
  update workflows.effect x set status = e.status, outcome = e.outcome, settled_at = clock_timestamp()
    from jsonb_to_recordset(p -> 'settled') as e (key text, status text, outcome jsonb) where x.tenant_id = t and x.run_id = p_run and x.key = e.key;
  insert into workflows.held_value (tenant_id, id, run_id, hash, value)
    select t, v.id, p_run, v.hash, v.value from jsonb_to_recordset(p -> 'kept') as v (id uuid, hash text, value jsonb) on conflict do nothing;

  pending := workflows.unread(p_run);
  -- A person's suspension holds against the step that was running meanwhile; its result is kept.
  next_status := case when r.status = 'suspended' and p ->> 'status' = 'running' then 'suspended' else p ->> 'status' end;
  resting := (p ->> 'release')::boolean or next_status <> 'running';
  update workflows.workflow_run x set
    state = p -> 'state', status = next_status, output = p -> 'output', problem = p -> 'problem', last_seq = r.last_seq + jsonb_array_length(p -> 'steps'), executions = case when resting then 0 else 1 end,
    waiting_for = array(select jsonb_array_elements_text(p -> 'waiting_for')), requests = case when (p ->> 'heeded')::boolean then '[]' else x.requests end,
    lease_token = case when resting then null else x.lease_token end,
    lease_until = case when resting then null else clock_timestamp() + make_interval(secs => (p ->> 'seconds')::int) end,
    changed_at = clock_timestamp(), ended_at = case when next_status in ('completed', 'faulted', 'cancelled') then clock_timestamp() end
    where x.tenant_id = t and x.id = p_run;

  next_due := case
    when next_status <> 'running' then null
    when not resting then clock_timestamp() + make_interval(secs => (p ->> 'seconds')::int)
    when pending <> '[]' or r.cancel_requested or (r.requests <> '[]' and not (p ->> 'heeded')::boolean) then clock_timestamp()
    else (p ->> 'due')::timestamptz end;
  select array_agg(distinct x.run_id) into others from workflows.wait x join jsonb_array_elements(p -> 'events') e
    on x.tenant_id = t and x.event_type = e ->> 'type' and (x.event_key is null or x.event_key in (e ->> 'key', e ->> 'subject'));
  for w in select unnest(coalesce(others, '{}') || p_run) order by 1 loop
    if w <> p_run then perform core.add_work(gen_random_uuid(), 'run', w, null, 0, null);
    elsif next_due is null then perform core.drop_work('run', p_run);
    else perform core.add_work((p ->> 'work')::uuid, 'run', p_run, next_due, 1, null); end if;
  end loop;
  if jsonb_array_length(p -> 'events') > 0 then
    perform core.append_events(array_agg((e ->> 'id')::uuid), array_agg(r.customer_id), array_agg(e ->> 'type'), array_agg(e ->> 'key'), array_agg(e::text), (p ->> 'deliver')::uuid)
      from jsonb_array_elements(p -> 'events') e;
  end if;
  return query select next_status, r.cancel_requested, pending,
    (select coalesce(jsonb_object_agg(x.key, jsonb_build_object('status', x.status, 'outcome', x.outcome)), '{}') from workflows.effect x
     where x.tenant_id = t and x.run_id = p_run and x.status in ('done', 'refused') and x.key in (select e ->> 'key' from jsonb_array_elements(p -> 'started') e));
end $$;
