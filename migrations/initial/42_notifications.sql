-- notifications: templates by version, one notice a recipient with its delivery state, and signed links.

create table notifications.template (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  version bigint not null check (version > 0), status text not null check (status in ('draft', 'published', 'retired')),
  content jsonb not null, content_hash text not null, created_at timestamptz not null, created_by text not null,
  primary key (tenant_id, id), unique nulls not distinct (tenant_id, name, version, customer_id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id)
);
create unique index template_published on notifications.template (tenant_id, name, customer_id) nulls not distinct where status = 'published';
select core.tenant_table('notifications.template', customer => true, no_delete => true);
revoke insert, update on notifications.template from detour_customer;

-- customer_id: who may look at the notice (none for letters inside the house or to a carrier); about_customer_id: whose case it is about.
create table notifications.notice (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, about_customer_id uuid, case_id uuid,
  key text not null check (length(key) between 1 and 200), channel text not null check (channel in ('email')),
  audience text not null check (audience in ('customer', 'counterparty', 'internal')),
  template text not null, template_id uuid, address text not null, address_key text not null check (address_key = lower(address_key)),
  recipient_name text not null default '', locale text, zone text, context jsonb not null, sealed_context bytea, links jsonb not null default '[]',
  status text not null check (status in ('queued', 'sending', 'delivered', 'failed', 'unknown', 'withdrawn', 'withheld')), attempts bigint not null default 0, tries jsonb not null default '[]',
  message_id text, spoken text, subject text, body_text text, body_html text, sealed_letter bytea, failure text,
  queued_at timestamptz not null, settled_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, key, address_key),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, about_customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, template_id) references notifications.template (tenant_id, id),
  constraint notice_settled check ((status in ('delivered', 'failed', 'withdrawn', 'withheld')) = (settled_at is not null)),
  -- What would let somebody act in the reader's place is gone once the letter is.
  constraint notice_forgets check (settled_at is null or (sealed_letter is null and sealed_context is null))
) with (fillfactor = 80);
create index notice_of_case on notifications.notice (tenant_id, case_id, id) where case_id is not null;
create index notice_about on notifications.notice (tenant_id, about_customer_id, id) where about_customer_id is not null;
create index notice_by_status on notifications.notice (tenant_id, status, id);
create index notice_template on notifications.notice (tenant_id, template_id) where template_id is not null;
select core.tenant_table('notifications.notice', customer => true, no_delete => true, case_column => 'case_id');
revoke insert, update on notifications.notice from detour_customer;

-- Only the token's hash is here; whoever holds the token acts for one case (or one subject) of one customer, once.
create table notifications.link (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid, notice_id uuid,
  kind text not null check (kind ~ '^[a-z][a-z0-9-]{0,31}$'), subject_id uuid not null, recipient text not null, payload jsonb not null default '{}',
  locale text, zone text, token_hash bytea not null, issued_at timestamptz not null, expires_at timestamptz not null, used_at timestamptz, answer text,
  primary key (tenant_id, id), unique (tenant_id, token_hash), check (expires_at > issued_at),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, notice_id) references notifications.notice (tenant_id, id)
);
create index link_of_subject on notifications.link (tenant_id, subject_id, id);
create index link_of_notice on notifications.link (tenant_id, notice_id) where notice_id is not null;
select core.tenant_table('notifications.link', customer => true, no_delete => true, case_column => 'case_id');
revoke insert on notifications.link from detour_customer;

-- What one person wishes of our mails. A customer's people keep their own; whoever sends reads them with the whole tenant's eyes.
create table notifications.preference (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null,
  documents text not null check (documents in ('now', 'later')), updates text not null check (updates in ('now', 'later', 'never')),
  mentions text not null check (mentions in ('now', 'later', 'never')),
  quiet_from text check (quiet_from ~ '^[0-2][0-9]:[0-5][0-9]$'), quiet_until text check (quiet_until ~ '^[0-2][0-9]:[0-5][0-9]$'),
  changed_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, user_id),
  foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id),
  constraint preference_quiet check ((quiet_from is null) = (quiet_until is null))
);
select core.tenant_table('notifications.preference', customer => true, no_delete => true);
