-- Who may call what, after every room has declared its tables and functions. Default is nobody.
do $$
declare s text; f record;
begin
  foreach s in array array['core', 'tenants', 'branding', 'canonical', 'policies', 'connectors', 'notifications', 'ingest', 'cases', 'workflows', 'portal', 'audit', 'metering', 'intelligence'] loop
    execute format('grant usage on schema %I to detour_app, detour_customer, detour_batch, detour_ops, detour_backup', s);
    execute format('grant select on all tables in schema %I to detour_backup', s);
    execute format('revoke all on all functions in schema %I from public', s);
  end loop;
  -- Room functions run with the rights of their caller (SECURITY INVOKER), so the wall decides what they reach.
  for f in select p.oid::regprocedure as sig from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname in ('tenants', 'branding', 'canonical', 'policies', 'connectors', 'notifications', 'ingest', 'cases', 'workflows', 'portal', 'audit', 'metering', 'intelligence') and not p.prosecdef loop
    execute format('grant execute on function %s to detour_app, detour_customer, detour_batch', f.sig);
  end loop;
end $$;
-- A dump locks what it lists, which takes a right; the key's row stays unreadable, so no dump can hold it.
revoke select on core.signing_key from detour_backup;
grant maintain on core.signing_key to detour_backup;

grant execute on function core.context(text), core.ctx_tenant(), core.ctx_tenants(), core.ctx_customer(), core.ctx_case(), core.uuid_at(timestamptz)
  to detour_app, detour_customer, detour_batch, detour_lookup;
grant execute on function core.add_work(uuid, text, uuid, timestamptz, int, uuid[]), core.drop_work(text, uuid),
  core.append_events(uuid[], uuid[], text[], text[], text[], uuid), core.tenant_info() to detour_app, detour_customer, detour_batch;
grant execute on function core.add_works(uuid[], uuid[], text, uuid[], int), core.add_deliveries(uuid[], uuid[]),
  core.append_events_for(uuid[], uuid[], uuid[], text[], text[], text[]) to detour_batch;
grant execute on function core.claim_work(text[], int, interval, uuid), core.finish_work(uuid, uuid, int), core.renew_work(uuid[], uuid, interval),
  core.retry_work(uuid, uuid, interval, text), core.park_work(uuid, uuid, text), core.unpark_work(uuid), core.parked_work(), core.ready_work(text, int) to detour_app;
grant execute on function core.find_tenant_by_host(text), core.find_key(text), core.find_token(bytea, text), core.find_platform_key(text) to detour_app;
grant execute on function core.register_domain(text, uuid), core.unregister_domain(text), core.register_key(text, uuid),
  core.register_token(bytea, text, uuid, timestamptz), core.unregister_token(bytea) to detour_app, detour_customer;

grant usage on schema core to detour_dispatch, detour_lookup;
grant select, update, maintain on core.work to detour_dispatch;
grant select, insert, update, delete on core.dispatcher_lease to detour_dispatch;
grant execute on function core.ready_tenants(uuid, int), core.wake_due(), core.keep_partitions() to detour_dispatch;

grant select, insert, update on core.partner, core.tenant, core.platform_key to detour_ops;
grant select, insert on core.platform_log to detour_ops;
grant execute on function core.find_tenant(text, text) to detour_ops;

-- Look-ups belong to a role that cannot log in and sees these columns only.
grant create on schema core to detour_lookup;
grant select (host, tenant_id, domain_id) on core.domain_lookup to detour_lookup;
grant select (id, status) on core.tenant to detour_lookup;
grant select on core.key_lookup, core.token_lookup to detour_lookup;
grant select (id, public_id, secret_hash, name, revoked_at) on core.platform_key to detour_lookup;
alter function core.find_tenant_by_host(text) owner to detour_lookup;
alter function core.find_key(text) owner to detour_lookup;
alter function core.find_token(bytea, text) owner to detour_lookup;
alter function core.find_platform_key(text) owner to detour_lookup;
revoke create on schema core from detour_lookup;

-- Search asks across the wall's index limits (31_search.sql): the same role, which sees what it needs of one table.
grant usage, create on schema canonical to detour_lookup;
grant select (tenant_id, id, customer_id, kind, keys) on canonical.search_entry to detour_lookup;
create policy looked_up on canonical.search_entry for select to detour_lookup using (true);
grant execute on function canonical.gram_seed(uuid, text), canonical.grams(uuid, text, text), canonical.word_grams(uuid, text, text[]),
  canonical.look_back(uuid, uuid, text[], text[], uuid, int, uuid[], int), canonical.looked_until(uuid, uuid, uuid, int), canonical.search_scope() to detour_lookup;
grant execute on function canonical.find_whole(text, text[]), canonical.find_within(text[], text[], uuid, int, uuid[]) to detour_app, detour_customer;
alter function canonical.find_whole(text, text[]) owner to detour_lookup;
alter function canonical.find_within(text[], text[], uuid, int, uuid[]) owner to detour_lookup;
revoke create on schema canonical from detour_lookup;
