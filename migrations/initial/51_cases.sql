-- cases: the work opened for an exception, its clocks, comments, approvals, offers and timeline.

create table cases."case" (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null,
  status text not null default 'open' check (status in ('open', 'acknowledged', 'waiting', 'resolved')),
  title text not null, exception_type text not null, reason text, responsible text,
  priority_level text not null check (priority_level in ('P1', 'P2', 'P3', 'P4')), priority_score bigint not null check (priority_score between 0 and 1000),
  priority_provisional boolean not null, money_at_risk_minor bigint, currency text,
  group_key text not null check (length(group_key) between 1 and 300),
  decision_id uuid not null, inputs jsonb not null default '[]', missing text[] not null default '{}',
  owner_id uuid, previous_id uuid, order_id uuid, shipment_id uuid,
  escalation bigint not null default 0, breached boolean not null default false, round bigint not null default 0,
  opened_at timestamptz not null, acknowledged_at timestamptz, acknowledged_by text, reopened_at timestamptz,
  resolved_at timestamptz, resolved_by text, outcome text, cause text, evidence_call_id uuid, deviation text,
  touched boolean not null default false,
  -- What the reader saw when they act: every event said of the case moves it on by one.
  version bigint not null default 1,
  -- The queue's order (urgency.py): the second at which the case counts as due, earlier is more urgent; by which weights; since when it is that high.
  urgent_at bigint not null default 0, ranked_by bigint not null default 0, surfaced_at timestamptz not null default clock_timestamp(),
  carrier text, origin_country text, destination_country text,
  snoozed_until timestamptz, snoozed_at timestamptz, snoozed_by text, awaits text, wakes_on text, next_step text,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenants.customer (tenant_id, id),
  foreign key (tenant_id, owner_id) references tenants."user" (tenant_id, id),
  foreign key (tenant_id, previous_id) references cases."case" (tenant_id, id),
  foreign key (tenant_id, order_id) references canonical."order" (tenant_id, id),
  foreign key (tenant_id, shipment_id) references canonical.shipment (tenant_id, id),
  constraint case_snooze check (num_nulls(snoozed_until, snoozed_at, snoozed_by, awaits) in (0, 4) and (wakes_on is null or awaits is not null)),
  constraint case_money check ((money_at_risk_minor is null) = (currency is null)),
  constraint case_end check ((status = 'resolved') = (resolved_at is not null and outcome is not null and cause is not null))
) with (fillfactor = 80);
-- At most one unfinished case of a group: two signals that arrive at the same moment find each other here.
create unique index case_live_group on cases."case" (tenant_id, customer_id, group_key) where status <> 'resolved';
create index case_group on cases."case" (tenant_id, customer_id, group_key, id);
-- The queue in its order, and in the same order by each thing it is narrowed to, since a rare value would be looked for in every row.
create index case_urgent on cases."case" (tenant_id, urgent_at, id) where status <> 'resolved';
create index case_of_priority on cases."case" (tenant_id, priority_level, urgent_at, id) where status <> 'resolved';
create index case_of_type on cases."case" (tenant_id, exception_type, urgent_at, id) where status <> 'resolved';
create index case_of_carrier on cases."case" (tenant_id, carrier, urgent_at, id) where status <> 'resolved' and carrier is not null;
create index case_of_lane on cases."case" (tenant_id, origin_country, destination_country, urgent_at, id)
  where status <> 'resolved' and origin_country is not null;
create index case_breached on cases."case" (tenant_id, urgent_at, id) where breached is true and status <> 'resolved';
create index case_at_rest on cases."case" (tenant_id, urgent_at, id) where status = 'waiting' or snoozed_until is not null;
create index case_owned on cases."case" (tenant_id, owner_id, urgent_at, id) where owner_id is not null and status <> 'resolved';
create index case_of_customer on cases."case" (tenant_id, customer_id, urgent_at, id) where status <> 'resolved';
create index case_ended on cases."case" (tenant_id, resolved_at, id) where status = 'resolved';
create index case_type on cases."case" (tenant_id, exception_type, id);
create index case_owner on cases."case" (tenant_id, owner_id, id) where owner_id is not null;
create index case_previous on cases."case" (tenant_id, previous_id) where previous_id is not null;
create index case_order on cases."case" (tenant_id, order_id) where order_id is not null;
create index case_shipment on cases."case" (tenant_id, shipment_id) where shipment_id is not null;
create index case_decision on cases."case" (tenant_id, decision_id);
select core.tenant_table('cases."case"', customer => true, no_delete => true, case_column => 'id');

create table cases.case_subject (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  kind text not null check (kind in ('order', 'shipment')), subject_id uuid not null,
  primary key (tenant_id, id), unique (tenant_id, case_id, kind, subject_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index case_subject_of on cases.case_subject (tenant_id, subject_id, case_id);
select core.tenant_table('cases.case_subject', customer => true, no_delete => true, case_column => 'case_id');

create table cases.case_signal (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  signal_id uuid, event_id uuid, decision_id uuid not null, joined_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, decision_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index case_signal_of on cases.case_signal (tenant_id, case_id, id);
select core.tenant_table('cases.case_signal', customer => true, no_delete => true, case_column => 'case_id');

create table cases.case_clock (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  kind text not null check (kind in ('first_response', 'resolution')), round bigint not null, target text not null, calendar jsonb not null default '{}',
  started_at timestamptz not null, due_at timestamptz not null, warn_at timestamptz not null,
  paused_at timestamptz, left_seconds bigint, stopped_at timestamptz, warned_at timestamptz, breached_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, case_id, kind, round),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id),
  constraint case_clock_pause check ((paused_at is null) = (left_seconds is null))
);
select core.tenant_table('cases.case_clock', customer => true, no_delete => true, case_column => 'case_id');

create table cases.case_proposal (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  round bigint not null, capability text not null, params jsonb not null, option_id text, note text,
  proposed_by text not null, proposer_id uuid, proposed_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index case_proposal_of on cases.case_proposal (tenant_id, case_id, id);
select core.tenant_table('cases.case_proposal', customer => true, no_delete => true, case_column => 'case_id');

-- A comment without a customer is the partner's own: the customer's role never sees the row.
create table cases.case_comment (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid not null,
  author text not null, text text not null check (length(text) between 1 and 8000), written_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index case_comment_of on cases.case_comment (tenant_id, case_id, id);
select core.tenant_table('cases.case_comment', customer => true, no_delete => true, case_column => 'case_id');

create table cases.case_mention (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid not null, comment_id uuid not null, user_id uuid not null,
  primary key (tenant_id, id), unique (tenant_id, comment_id, user_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id),
  foreign key (tenant_id, comment_id) references cases.case_comment (tenant_id, id),
  foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id)
);
create index case_mention_case on cases.case_mention (tenant_id, case_id, id);
create index case_mention_user on cases.case_mention (tenant_id, user_id, id);
select core.tenant_table('cases.case_mention', customer => true, no_delete => true, case_column => 'case_id');

-- A word with somebody on the telephone: the partner's own note.
create table cases.case_talk (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, case_id uuid not null,
  who text not null check (who in ('customer', 'carrier', 'warehouse', 'other')), name text, direction text not null check (direction in ('in', 'out')),
  outcome text not null check (outcome in ('reached', 'no_answer', 'left_message', 'refused')), note text, next_step text,
  logged_by text not null, logged_at timestamptz not null,
  primary key (tenant_id, id), foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
create index case_talk_of on cases.case_talk (tenant_id, case_id, id);
select core.tenant_table('cases.case_talk', customer => false, no_delete => true);

-- Whom "next case" spares a case for a while, because they gave it back.
create table cases.case_decline (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, case_id uuid not null, user_id uuid not null, until timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, user_id, case_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id)
);
create index case_decline_case on cases.case_decline (tenant_id, case_id);
select core.tenant_table('cases.case_decline', customer => false, no_delete => true);

-- Who has a case open; a mark counts for seconds and is written over.
create table cases.presence (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, case_id uuid not null, user_id uuid not null, seen_at timestamptz not null,
  primary key (tenant_id, id), unique (tenant_id, case_id, user_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id)
);
create index presence_user on cases.presence (tenant_id, user_id, seen_at);
select core.tenant_table('cases.presence', customer => false);

-- What decides the queue's order, by version; the highest is in force.
create table cases.queue_weights (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, version bigint not null check (version > 0), content jsonb not null, note text,
  made_by text not null, made_at timestamptz not null, ordered_to uuid, ordered_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, version)
);
select core.tenant_table('cases.queue_weights', customer => false, no_delete => true);

-- Mail to people outside on one or many cases, held for seconds so that it can be taken back.
create table cases.held_message (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, status text not null check (status in ('held', 'undone')),
  audience text not null check (audience in ('customer', 'counterparty')), template text not null, subject text not null, text text not null,
  case_ids uuid[] not null, readers jsonb not null, made_by text not null, made_at timestamptz not null, leaves_at timestamptz not null,
  undone_by text, undone_at timestamptz,
  primary key (tenant_id, id), constraint held_message_undone check ((status = 'undone') = (undone_at is not null))
);
select core.tenant_table('cases.held_message', customer => false, no_delete => true);

create table cases.handover (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, from_user uuid not null, to_user uuid not null, case_ids uuid[] not null,
  note text not null, made_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, from_user) references tenants."user" (tenant_id, id), foreign key (tenant_id, to_user) references tenants."user" (tenant_id, id)
);
create index handover_from on cases.handover (tenant_id, from_user, id);
create index handover_to on cases.handover (tenant_id, to_user, id);
select core.tenant_table('cases.handover', customer => false, no_delete => true);

-- What waits for a person's eyes. customer_id is the person's own (none for the partner's people), so a customer's role sees its people's only.
create table cases.inbox (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, user_id uuid not null, event_id uuid not null,
  kind text not null check (kind in ('mention', 'assigned', 'handover', 'breach', 'approval', 'offer', 'document', 'resolved', 'comment')),
  case_id uuid, subject_id uuid, facts jsonb not null default '{}', happened_at timestamptz not null, read_at timestamptz, settled_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, user_id, event_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id), foreign key (tenant_id, user_id) references tenants."user" (tenant_id, id)
);
create index inbox_of on cases.inbox (tenant_id, user_id, id);
create index inbox_unread on cases.inbox (tenant_id, user_id, id) where read_at is null;
create index inbox_subject on cases.inbox (tenant_id, subject_id) where subject_id is not null and settled_at is null;
create index inbox_case on cases.inbox (tenant_id, case_id) where case_id is not null;
select core.tenant_table('cases.inbox', customer => true, no_delete => true);

create table cases.approval (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  key text not null, kind text not null, status text not null default 'requested' check (status in ('requested', 'approved', 'refused', 'expired')),
  role text not null, amount_minor bigint, currency text, subject jsonb not null default '{}',
  requested_by text not null, requester_id uuid, requested_at timestamptz not null, expires_at timestamptz not null,
  decided_by text, decider_id uuid, decided_at timestamptz, note text, used_by text, used_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, key),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id),
  constraint approval_money check (amount_minor is null or currency is not null),
  -- Only what was given can be used, by one effect.
  constraint approval_use check ((used_by is null) = (used_at is null) and (used_by is null or status = 'approved')),
  -- Four eyes, also for whoever writes here by another way than the command.
  constraint approval_four_eyes check (decided_by is null or (decided_by <> requested_by and (decider_id is null or requester_id is null or decider_id <> requester_id)))
);
create index approval_of_case on cases.approval (tenant_id, case_id, id);
create index approval_open on cases.approval (tenant_id, id) where status = 'requested';
select core.tenant_table('cases.approval', customer => true, no_delete => true, case_column => 'case_id');

create table cases.offer (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid not null, case_id uuid not null,
  key text not null, status text not null default 'open' check (status in ('open', 'answered', 'expired')),
  recipient jsonb not null default '{}', options jsonb not null, default_option text,
  made_by text not null, made_at timestamptz not null, expires_at timestamptz not null,
  option text, answered_by text, answered_at timestamptz,
  primary key (tenant_id, id), unique (tenant_id, key),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id),
  constraint offer_answer check ((status = 'answered') = (answered_at is not null))
);
create index offer_of_case on cases.offer (tenant_id, case_id, id);
create index offer_open on cases.offer (tenant_id, id) where status = 'open';
select core.tenant_table('cases.offer', customer => true, no_delete => true, case_column => 'case_id');

-- Which events stand on a case's timeline; derived from core.event, in the order of the event ids.
create table cases.case_event (
  tenant_id uuid not null default core.ctx_tenant(), id uuid not null, customer_id uuid, case_id uuid not null, event_id uuid not null,
  primary key (tenant_id, id), unique (tenant_id, case_id, event_id),
  foreign key (tenant_id, case_id) references cases."case" (tenant_id, id)
);
select core.tenant_table('cases.case_event', customer => true, no_delete => true, case_column => 'case_id');
