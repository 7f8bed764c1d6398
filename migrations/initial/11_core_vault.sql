-- core: data keys of the vault, one of the tenant and one of each customer that owns secrets, wrapped by the master key.

create table core.data_key (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, owner_id uuid, wrapped bytea not null, wrapped_by text not null check (wrapped_by ~ '^[0-9a-f]{16}$'),
  created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id), unique nulls not distinct (tenant_id, owner_id)
);
create index data_key_wrapped_by on core.data_key (tenant_id, wrapped_by);
select core.tenant_table('core.data_key', customer => false, no_delete => true);
