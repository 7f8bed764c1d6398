-- tenants: customers, people, roles, keys, sessions. Partners and environments are platform tables in core.

create table tenants.customer (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null check (customer_id = id),
  slug text not null check (slug ~ '^[a-z][a-z0-9-]{1,62}$'), name text not null, sla jsonb,
  locale text not null default 'en', zone text not null default 'UTC', status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id), unique (tenant_id, slug)
);
-- The row of a customer is its own scope; it may look at it, never change its contract.
select core.tenant_table('tenants.customer', customer => true, no_delete => true);
revoke insert, update on tenants.customer from detour_customer;

create table tenants."user" (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid,
  email text not null check (email = lower(email)), name text not null default '', locale text, zone text,
  status text not null default 'active' check (status in ('active', 'suspended')), created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  -- One person may serve two customers; neither learns of the other, so an address is unique for each only.
  unique nulls not distinct (tenant_id, email, customer_id)
);
select core.tenant_table('tenants."user"', customer => true, no_delete => true);

create table tenants.membership (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, role text not null,
  created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  unique nulls not distinct (tenant_id, user_id, role, customer_id)
);
select core.tenant_table('tenants.membership', customer => true);
grant delete on tenants.membership to detour_customer;

create table tenants.role (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, name text not null check (name ~ '^[a-z][a-z0-9_]{1,62}$'),
  scope text not null check (scope in ('partner', 'customer')), permissions text[] not null, created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id), unique (tenant_id, name)
);
select core.tenant_table('tenants.role', customer => false);

create table tenants.api_key (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, public_id text not null, shown text not null, secret_hash bytea not null,
  name text not null, scope text not null check (scope in ('partner', 'customer', 'source')), roles text[] not null, source text, addresses text[] not null default '{}',
  expires_at timestamptz, successor_id uuid, revoked_at timestamptz, created_at timestamptz not null default clock_timestamp(), created_by text not null,
  primary key (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, successor_id) references tenants.api_key (tenant_id, id),
  unique (tenant_id, public_id), check ((scope = 'customer') <= (customer_id is not null)), check ((scope = 'source') = (source is not null))
);
select core.tenant_table('tenants.api_key', customer => true, no_delete => true);
create index api_key_successor on tenants.api_key (tenant_id, successor_id) where successor_id is not null;

-- When a key was last used, written at most once a minute and process: apart from the key, so that use locks nothing.
create table tenants.key_use (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, used_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, id) references tenants.api_key (tenant_id, id)
);
select core.tenant_table('tenants.key_use', customer => true, no_delete => true);

create table tenants.session (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, host text not null, strength text not null check (strength in ('email')),
  token_hash bytea not null, authenticated_at timestamptz not null, expires_at timestamptz not null, ended_at timestamptz,
  primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.session', customer => true, no_delete => true);
create index session_of_user on tenants.session (tenant_id, user_id, id);

create table tenants.sign_in_link (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, host text not null, token_hash bytea not null,
  expires_at timestamptz not null, used_at timestamptz, created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.sign_in_link', customer => true, no_delete => true);
create index sign_in_link_of_user on tenants.sign_in_link (tenant_id, user_id, id);

-- An environment made by a first manifest that then fails is taken back: all or nothing.
grant delete on core.partner, core.tenant to detour_ops;
-- Sign-in on the platform's own host names the partner; the answer is an id that alone opens nothing.
grant execute on function core.find_tenant(text, text) to detour_app;
