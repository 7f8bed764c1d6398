-- audit: the hash chains over core.event, one for each customer and one for the partner (no customer).

-- One row an event and chain; the id is the event's own, so an event is chained once.
create table audit.audit_entry (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, seq bigint not null check (seq > 0),
  prev bytea not null check (length(prev) = 32), hash bytea not null check (length(hash) = 32), primary key (tenant_id, id)
) partition by range (id);
create index audit_entry_place on audit.audit_entry (tenant_id, customer_id, seq);
select core.tenant_table('audit.audit_entry', customer => true, append_only => true);
-- Customers read their chain; only the listener writes it.
revoke insert on audit.audit_entry from detour_customer;

create table audit.chain_head (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, seq bigint not null check (seq >= 0),
  hash bytea not null check (length(hash) = 32), anchored_seq bigint not null default 0, anchored_at timestamptz,
  updated_at timestamptz not null, primary key (tenant_id, id), unique nulls not distinct (tenant_id, customer_id)
);
select core.tenant_table('audit.chain_head', customer => true, no_delete => true);
revoke insert, update on audit.chain_head from detour_customer;
