-- metering: what was used, one row an event and meter.

-- The id is made from the event's and the meter's name, so an event counts once on each meter however often it is delivered.
create table metering.usage_record (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, event_id uuid not null, meter text not null,
  day date not null, quantity bigint not null check (quantity >= 0), unit text not null, dimensions jsonb not null default '{}', primary key (tenant_id, id)
) partition by range (id);
create index usage_record_by_day on metering.usage_record (tenant_id, day, customer_id, meter);
select core.tenant_table('metering.usage_record', customer => true, append_only => true);
revoke insert on metering.usage_record from detour_customer;
