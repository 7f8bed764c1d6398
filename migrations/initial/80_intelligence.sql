-- intelligence: what was done about each case, and what it adds up to. Both tables follow from events and can be made anew from them.

-- Each event in which somebody or something acted on a case, under the event's id, with what figures group it by. is_touch: by hand
-- (a person, an integration, a link), as app/cases/touch.py says; closed_alone: of a case.resolved, that nobody had laid hands on the case.
create table intelligence.act (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  exception_type text not null, case_opened_at timestamptz not null, type text not null,
  hand text not null check (hand in ('person', 'customer', 'integration', 'link', 'run', 'other')), is_touch boolean not null, closed_alone boolean,
  actor text not null, at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index act_of_case on intelligence.act (tenant_id, case_id, id);
create index act_touches on intelligence.act (tenant_id, case_opened_at, id) include (customer_id, exception_type, case_id) where is_touch;
select core.tenant_table('intelligence.act', customer => false);

-- One row a case: when it happened, was opened, first answered by a person and by a run, first told to the customer, and how it ended.
-- back_at: when it was taken up again, or a case of the same group followed it.
create table intelligence.case_fact (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, exception_type text not null, owner_id uuid,
  happened_at timestamptz not null, opened_at timestamptz not null, first_person_at timestamptz, first_run_at timestamptz, first_told_at timestamptz,
  promised_at timestamptz, touches bigint not null, closed_at timestamptz, closed_alone boolean, back_at timestamptz,
  primary key (tenant_id, id), foreign key (tenant_id, id) references cases."case" (tenant_id, id)
);
create index case_fact_opened on intelligence.case_fact (tenant_id, opened_at, id)
  include (customer_id, exception_type, owner_id, happened_at, first_person_at, first_run_at, first_told_at, promised_at, touches, closed_at, closed_alone, back_at);
select core.tenant_table('intelligence.case_fact', customer => true, case_column => 'id');
revoke insert, update on intelligence.case_fact from detour_customer;
create index case_fact_of_customer on intelligence.case_fact (tenant_id, customer_id, opened_at, id);

-- Clocks by when they were started: what service levels are counted over.
create index case_clock_started on cases.case_clock (tenant_id, started_at, id) include (customer_id, case_id, kind, due_at, stopped_at, breached_at, paused_at);

-- Unfinished cases by age, with what their figure is grouped by: counted from the index alone.
create index case_open_age on cases."case" (tenant_id, opened_at, id) include (customer_id, exception_type, owner_id) where status <> 'resolved';
