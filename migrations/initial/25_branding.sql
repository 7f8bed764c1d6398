-- branding: what a partner's people see, and the hosts they see it on.

create table branding.logo (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, png bytea not null check (octet_length(png) <= 4194304),
  width bigint not null, height bigint not null, etag text not null, created_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, etag)
);
select core.tenant_table('branding.logo', customer => false, no_delete => true);

create table branding.brand (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, version bigint not null check (version > 0),
  status text not null check (status in ('draft', 'published', 'retired')), content jsonb not null, content_hash text not null,
  logo_id uuid, created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), unique (tenant_id, version), foreign key (tenant_id, logo_id) references branding.logo (tenant_id, id)
);
-- One voice at a time.
create unique index brand_published on branding.brand (tenant_id) where status = 'published';
create index brand_logo on branding.brand (tenant_id, logo_id) where logo_id is not null;
select core.tenant_table('branding.brand', customer => false, no_delete => true);

-- A host serves a tenant only once it is verified; until then core.domain_lookup knows nothing of it.
create table branding.domain (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, host text not null check (host = lower(host) and length(host) between 3 and 253),
  proof text not null, is_primary boolean not null default false, verified_at timestamptz, verified_by text, created_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, host), constraint domain_primary_is_verified check (verified_at is not null or not is_primary)
);
create unique index domain_primary on branding.domain (tenant_id) where is_primary;
select core.tenant_table('branding.domain', customer => false);
