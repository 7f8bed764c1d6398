-- connectors: configured ways out to a customer's or partner's systems, their secrets, their health, and every use of them.

create table connectors.connection (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  connector text not null, version bigint not null check (version > 0), status text not null check (status in ('published', 'disabled')),
  config jsonb not null, capabilities text[] not null, precedence bigint not null default 100 check (precedence between 0 and 10000),
  rate_per_minute bigint not null default 600 check (rate_per_minute between 1 and 100000), content_hash text not null,
  created_at timestamptz not null, created_by text not null, changed_at timestamptz not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), unique nulls not distinct (tenant_id, name, customer_id)
);
select core.tenant_table('connectors.connection', customer => true, no_delete => true);

create table connectors.connection_version (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, connection_id uuid not null, version bigint not null check (version > 0),
  connector text not null, config jsonb not null, capabilities text[] not null, precedence bigint not null, rate_per_minute bigint not null, content_hash text not null,
  created_at timestamptz not null, created_by text not null, primary key (tenant_id, id), unique (tenant_id, connection_id, version),
  foreign key (tenant_id, connection_id) references connectors.connection (tenant_id, id)
);
select core.tenant_table('connectors.connection_version', customer => true, no_delete => true);

create table connectors.credential (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, connection_id uuid not null, sealed bytea not null,
  rotated_at timestamptz not null, rotated_by text not null, primary key (tenant_id, id), unique (tenant_id, connection_id),
  foreign key (tenant_id, connection_id) references connectors.connection (tenant_id, id)
);
select core.tenant_table('connectors.credential', customer => true, no_delete => true);

-- Short-lived tokens got with a credential; losing one costs a request.
create table connectors.access_token (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, connection_id uuid not null, sealed bytea not null, expires_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, connection_id), foreign key (tenant_id, connection_id) references connectors.connection (tenant_id, id)
);
select core.tenant_table('connectors.access_token', customer => true);

-- One breaker a connection, shared by all processes.
create table connectors.circuit_breaker (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, connection_id uuid not null,
  state text not null default 'closed' check (state in ('closed', 'open', 'half_open')), failures bigint not null default 0, trips bigint not null default 0,
  retry_at timestamptz, next_slot_at timestamptz, primary key (tenant_id, id), unique (tenant_id, connection_id),
  foreign key (tenant_id, connection_id) references connectors.connection (tenant_id, id), constraint circuit_breaker_retry check (state = 'closed' or retry_at is not null)
);
select core.tenant_table('connectors.circuit_breaker', customer => true, no_delete => true);

create table connectors.call (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid, run_id uuid, connection_id uuid not null,
  connection_version bigint not null, connector text not null, operation text not null, capability text not null, has_effect boolean not null,
  effect_key text not null check (length(effect_key) between 1 and 200), params_hash text not null, params jsonb not null, actor text not null,
  status text not null check (status in ('sending', 'done', 'refused', 'failed', 'unknown')), token uuid, attempts bigint not null default 0,
  request jsonb, answer jsonb, response jsonb, error jsonb, mediation jsonb not null default '{}', settled_by text, note text,
  started_at timestamptz not null, sent_at timestamptz, finished_at timestamptz, took_ms bigint, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, connection_id) references connectors.connection (tenant_id, id),
  -- One effect, one row: whoever comes second with the same key finds the first.
  unique (tenant_id, effect_key)
);
create index call_connection on connectors.call (tenant_id, connection_id, id);
create index call_case on connectors.call (tenant_id, case_id, id) where case_id is not null;
create index call_status on connectors.call (tenant_id, status, id);
select core.tenant_table('connectors.call', customer => true, no_delete => true, case_column => 'case_id');
