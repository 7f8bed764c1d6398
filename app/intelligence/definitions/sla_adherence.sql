-- Every clock started in the period (first response and resolution, on the calendar of the customer's contract): met when it was stopped by its
-- due time, missed when it wasn't, running while nobody can know. Reopening a case starts clocks of its own.
select k.id, k.case_id, k.customer_id, f.exception_type as type, f.owner_id, k.started_at as at, k.kind as split,
  case
    when k.breached_at is not null or k.stopped_at > k.due_at then 'missed'
    when k.stopped_at is not null then 'met'
    when k.paused_at is null and k.due_at < cast(:now as timestamptz) then 'missed'
    else 'running'
  end as part,
  cast(null as bigint) as value
from cases.case_clock k
left join intelligence.case_fact f on f.tenant_id = k.tenant_id and f.id = k.case_id
where k.started_at >= :since and k.started_at < :until
