-- policies: versioned documents that decide, and every decision with what it was made from.

create table policies.policy (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'), version bigint not null check (version > 0),
  status text not null check (status in ('draft', 'published', 'retired')), title text not null, content text not null, content_hash text not null,
  created_at timestamptz not null, created_by text not null, published_at timestamptz, published_by text, retired_at timestamptz, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), unique nulls not distinct (tenant_id, name, version, customer_id)
);
select core.tenant_table('policies.policy', customer => true, no_delete => true);
create unique index policy_published on policies.policy (tenant_id, name, customer_id) nulls not distinct where status = 'published';
create index policy_in_force on policies.policy (tenant_id, status, id);

create table policies.decision (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, policy_id uuid not null, policy text not null, version bigint not null, rule text not null,
  event_type text not null, exception_type text not null, group_key text not null, level text not null check (level in ('P1', 'P2', 'P3', 'P4')), score bigint not null check (score between 0 and 1000),
  provisional boolean not null, earlier_id uuid, signal_id uuid, source_event_id uuid, inputs jsonb not null, document jsonb not null, occurred_at timestamptz not null, decided_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, policy_id) references policies.policy (tenant_id, id)
) partition by range (id);
create index decision_policy on policies.decision (tenant_id, policy_id, id);
select core.tenant_table('policies.decision', customer => true, append_only => true);
