-- portal: what people keep for themselves on their screens.

create table portal.saved_view (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null,
  area text not null check (length(area) between 1 and 40), name text not null check (length(name) between 1 and 80),
  query text not null check (length(query) <= 2000), is_shared boolean not null default false, created_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, user_id, area, name),
  foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id)
);
create index saved_view_of_area on portal.saved_view (tenant_id, area, id);
select core.tenant_table('portal.saved_view', customer => true);
