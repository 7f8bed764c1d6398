-- Cluster-wide roles, made once by a superuser. No role is a member of another, so none can become another;
-- the one exception lets the owner hand look-up functions to their NOLOGIN owner without inheriting its rights.
do $$
declare r text;
begin
  perform pg_advisory_xact_lock(7300001);
  foreach r in array array['detour_owner', 'detour_app', 'detour_customer', 'detour_batch', 'detour_dispatch', 'detour_ops', 'detour_backup'] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit', r);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'detour_lookup') then
    create role detour_lookup nologin nosuperuser nobypassrls;
  end if;
  alter role detour_backup bypassrls;
  grant detour_lookup to detour_owner with inherit false, set true;
end $$;
