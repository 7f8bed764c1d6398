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
  expires_at timestamptz, rotate_days bigint check (rotate_days between 1 and 366),
  successor_id uuid, revoked_at timestamptz, created_at timestamptz not null default clock_timestamp(), created_by text not null,
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
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, host text not null, strength text not null check (strength in ('email', 'provider')),
  token_hash bytea not null, authenticated_at timestamptz not null, expires_at timestamptz not null, ended_at timestamptz,
  device text not null default '', provider_id uuid, focus_id uuid,
  primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.session', customer => true, no_delete => true);
create index session_of_user on tenants.session (tenant_id, user_id, id);

-- Somebody a directory keeps in step with its own (SCIM): its id for them, and whether it has taken them away again.
create table tenants.directory_entry (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, external_id text check (length(external_id) between 1 and 500),
  changed_at timestamptz not null, removed_at timestamptz,
  primary key (tenant_id, id), foreign key (tenant_id, id) references tenants."user" (tenant_id, id)
);
select core.tenant_table('tenants.directory_entry', customer => true, no_delete => true);
create index directory_entry_external on tenants.directory_entry (tenant_id, external_id) where external_id is not null;

create table tenants.sign_in_link (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, host text not null, token_hash bytea not null,
  next text not null default '', expires_at timestamptz not null, used_at timestamptz, created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.sign_in_link', customer => true, no_delete => true);
create index sign_in_link_of_user on tenants.sign_in_link (tenant_id, user_id, id);

-- When a session was last used, to the minute: apart from the session, so that use locks nothing.
create table tenants.session_use (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, used_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, id) references tenants.session (tenant_id, id)
);
select core.tenant_table('tenants.session_use', customer => true, no_delete => true);

-- Who vouches for people besides us: an OpenID provider of the partner, or of one customer. The secret is sealed by the vault.
create table tenants.identity_provider (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, name text not null, issuer text not null, client_id text not null,
  sealed_secret bytea, scopes text[] not null, email_claim text not null, requires_verified_email boolean not null default true,
  domains text[] not null default '{}', confirmed_domains text[] not null default '{}', creates_users boolean not null default false, default_role text,
  status text not null default 'active' check (status in ('active', 'disabled')), created_at timestamptz not null default clock_timestamp(), created_by text not null,
  primary key (tenant_id, id), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  unique nulls not distinct (tenant_id, customer_id, name), check (creates_users <= (default_role is not null))
);
select core.tenant_table('tenants.identity_provider', customer => true);
grant delete on tenants.identity_provider to detour_customer;

-- Which person an issuer's subject is; it outlives the provider's row, so that making it anew hands nobody's account to another.
create table tenants.external_identity (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, issuer text not null, subject text not null,
  bound_at timestamptz not null, primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  unique nulls not distinct (tenant_id, customer_id, issuer, subject), unique (tenant_id, user_id, issuer)
);
select core.tenant_table('tenants.external_identity', customer => true);
grant delete on tenants.external_identity to detour_customer;

-- A sign-in on its way to a provider and back: hashes only, minutes long, used once.
create table tenants.pending_sign_in (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, provider_id uuid not null, state_hash bytea not null, browser_hash bytea not null,
  host text not null, next text not null default '', expires_at timestamptz not null, used_at timestamptz, created_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, state_hash), foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.pending_sign_in', customer => true);
create index pending_sign_in_by_expiry on tenants.pending_sign_in (tenant_id, expires_at);

-- A customer's consent that somebody of the partner (one person, or anybody who may ask) acts for it, for a while and for a reason.
create table tenants.consent (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, user_id uuid, who text not null default '',
  status text not null check (status in ('requested', 'granted', 'declined', 'withdrawn', 'expired')), reason text not null, minutes int not null check (minutes between 5 and 480),
  asked_at timestamptz not null, asked_by text not null, answer_by timestamptz not null, decided_at timestamptz, decided_by text, expires_at timestamptz, closed_at timestamptz,
  primary key (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), check ((status = 'granted') <= (expires_at is not null))
);
select core.tenant_table('tenants.consent', customer => true, no_delete => true);

-- One stretch of acting: who, in which session, under which consent.
create table tenants.acting (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, consent_id uuid not null, user_id uuid not null, session_id uuid not null,
  who text not null, started_at timestamptz not null, ended_at timestamptz, ended_because text,
  primary key (tenant_id, id), foreign key (tenant_id, consent_id) references tenants.consent (tenant_id, id),
  foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id), foreign key (tenant_id, session_id) references tenants.session (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.acting', customer => true, no_delete => true);
create unique index acting_of_session on tenants.acting (tenant_id, session_id) where ended_at is null;
create index acting_under_consent on tenants.acting (tenant_id, consent_id, id);

-- What was done while acting, kept from the events themselves so that the customer can read it.
create table tenants.acting_entry (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, acting_id uuid not null, type text not null, subject text not null,
  at timestamptz not null, primary key (tenant_id, id), foreign key (tenant_id, acting_id) references tenants.acting (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
select core.tenant_table('tenants.acting_entry', customer => true, no_delete => true);
create index acting_entry_of_acting on tenants.acting_entry (tenant_id, acting_id, id);

-- An environment made by a first manifest that then fails is taken back: all or nothing.
grant delete on core.partner, core.tenant to detour_ops;
-- Sign-in on the platform's own host names the partner; the answer is an id that alone opens nothing.
grant execute on function core.find_tenant(text, text) to detour_app;
