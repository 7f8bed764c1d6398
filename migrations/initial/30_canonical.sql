-- canonical: the things logistics is about, in one shape whoever told of them.

create table canonical.location (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null,
  key text not null, name text not null, code text not null, street text not null, city text not null, region text not null, postal_code text not null, country text not null,
  created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), unique (tenant_id, customer_id, key)
);
select core.tenant_table('canonical.location', customer => true, no_delete => true);

create table canonical.party (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null,
  key text not null, role text not null, name text not null, code text not null, location_id uuid,
  created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, location_id) references canonical.location (tenant_id, id), unique (tenant_id, customer_id, key)
);
select core.tenant_table('canonical.party', customer => true, no_delete => true);
create index party_location on canonical.party (tenant_id, location_id);

-- field_times: when each field was said; the newest word stands, whatever the order of arrival.
create table canonical."order" (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, number text not null, number_key text not null check (number_key = lower(number_key)),
  account text, status text, value_minor bigint, currency text, priority text, regulated boolean, goods_class text, un_number text, sku text, site text,
  ship_by timestamptz, deliver_by timestamptz, penalty_minor bigint, cutoff_missed boolean not null default false,
  field_times jsonb not null, version bigint not null, created_at timestamptz not null, updated_at timestamptz not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), unique (tenant_id, customer_id, number_key)
);
select core.tenant_table('canonical."order"', customer => true, no_delete => true);
create index order_number on canonical."order" (tenant_id, number_key, id);

create table canonical.order_line (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, order_id uuid not null, position bigint not null,
  sku text not null, quantity bigint not null check (quantity >= 0), description text not null, regulated boolean not null, primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references canonical."order" (tenant_id, id), unique (tenant_id, order_id, position)
);
select core.tenant_table('canonical.order_line', customer => true);

create table canonical.shipment (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, number text not null, order_id uuid,
  status text not null check (status in ('planned', 'acknowledged', 'booked', 'picked_up', 'departed', 'arrived', 'scanned', 'customs_arrived', 'customs_released',
    'out_for_delivery', 'delivery_attempted', 'cancelled', 'delivered', 'returned')),
  status_at timestamptz, status_code text not null default '', reason_code text not null default '', eta timestamptz, eta_reported_at timestamptz, last_seen_at timestamptz,
  carrier text, service text, pieces bigint, weight_grams bigint, origin jsonb, destination jsonb, stops jsonb,
  field_times jsonb not null, version bigint not null, created_at timestamptz not null, updated_at timestamptz not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), foreign key (tenant_id, order_id) references canonical."order" (tenant_id, id)
);
select core.tenant_table('canonical.shipment', customer => true, no_delete => true);
create index shipment_order on canonical.shipment (tenant_id, order_id, id);
create index shipment_status on canonical.shipment (tenant_id, status, id);

-- A shipment is found by any of its references, lower-cased; identifying ones belong to one shipment of a customer.
create table canonical.shipment_reference (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, shipment_id uuid not null,
  kind text not null, value text not null, value_key text not null check (value_key = lower(value_key)), is_identity boolean not null, primary key (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id), unique (tenant_id, shipment_id, kind, value_key)
);
select core.tenant_table('canonical.shipment_reference', customer => true, no_delete => true);
create unique index shipment_identity on canonical.shipment_reference (tenant_id, customer_id, kind, value_key) where is_identity;
create index shipment_reference_value on canonical.shipment_reference (tenant_id, value_key, shipment_id);

create table canonical.shipment_party (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, shipment_id uuid not null, party_id uuid not null, role text not null, primary key (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id), foreign key (tenant_id, party_id) references canonical.party (tenant_id, id),
  unique (tenant_id, shipment_id, role, party_id)
);
select core.tenant_table('canonical.shipment_party', customer => true, no_delete => true);
create index shipment_party_party on canonical.shipment_party (tenant_id, party_id);

-- Everything reported about a shipment, once each, in whatever order it came.
create table canonical.milestone (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, shipment_id uuid not null,
  milestone text not null, kind text not null check (kind in ('planned', 'estimated', 'actual')), at timestamptz not null, expected_at timestamptz,
  status_code text not null, reason_code text not null, location jsonb, description text, moved boolean not null, signal_id uuid, recorded_at timestamptz not null, primary key (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id),
  unique nulls not distinct (tenant_id, shipment_id, milestone, kind, at, expected_at, status_code, reason_code)
);
select core.tenant_table('canonical.milestone', customer => true, no_delete => true);

create table canonical.inventory_position (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, sku text not null, sku_key text not null check (sku_key = lower(sku_key)), site text not null,
  on_hand bigint, reserved bigint, available bigint, unit text, field_times jsonb not null, observed_at timestamptz not null, version bigint not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), unique (tenant_id, customer_id, sku_key, site)
);
select core.tenant_table('canonical.inventory_position', customer => true, no_delete => true);
create index inventory_position_sku on canonical.inventory_position (tenant_id, sku_key, id);

create table canonical.document (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, kind text not null, key text not null, order_id uuid, shipment_id uuid, case_id uuid,
  status text not null check (status in ('required', 'uploaded', 'refused', 'verified', 'reported')), number text, valid_until date, fields jsonb, findings jsonb not null, content_id uuid,
  required_at timestamptz, uploaded_at timestamptz, verified_at timestamptz, verified_by text, created_at timestamptz not null, version bigint not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), foreign key (tenant_id, order_id) references canonical."order" (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id), unique (tenant_id, customer_id, key)
);
create index document_order on canonical.document (tenant_id, order_id, id);
create index document_shipment on canonical.document (tenant_id, shipment_id, id);
create index document_case on canonical.document (tenant_id, case_id, id);
select core.tenant_table('canonical.document', customer => true, no_delete => true, case_column => 'case_id');

-- Every upload is kept as it came, refused ones too: it is evidence.
create table canonical.document_content (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid, document_id uuid not null, name text not null, media_type text not null,
  size bigint not null check (size between 1 and 26214400), sha256 text not null, content bytea not null, uploaded_by text not null, uploaded_at timestamptz not null, primary key (tenant_id, id),
  foreign key (tenant_id, document_id) references canonical.document (tenant_id, id)
);
create index document_content_document on canonical.document_content (tenant_id, document_id, id);
select core.tenant_table('canonical.document_content', customer => true, no_delete => true, case_column => 'case_id');

create table canonical.promise (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, order_id uuid, shipment_id uuid, name text not null, milestone text not null,
  due_at timestamptz not null, grace_minutes bigint not null check (grace_minutes between 0 and 100000), status text not null check (status in ('open', 'kept', 'missed')),
  kept_at timestamptz, missed_at timestamptz, said_at timestamptz not null, created_at timestamptz not null, version bigint not null, primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id), foreign key (tenant_id, order_id) references canonical."order" (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id),
  unique nulls not distinct (tenant_id, customer_id, order_id, shipment_id, name), check (order_id is not null or shipment_id is not null)
);
select core.tenant_table('canonical.promise', customer => true, no_delete => true);
create index promise_order on canonical.promise (tenant_id, order_id, id);
create index promise_shipment on canonical.promise (tenant_id, shipment_id, id);
create index promise_due on canonical.promise (tenant_id, status, due_at, id);
