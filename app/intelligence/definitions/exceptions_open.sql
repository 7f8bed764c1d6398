-- Every case that is not resolved now, by how long ago it was opened. The period doesn't narrow it: old work is what it is about.
select c.id, c.id as case_id, c.customer_id, c.exception_type as type, c.owner_id, c.opened_at as at, 'all' as split,
  case
    when c.opened_at > cast(:now as timestamptz) - interval '1 hour' then 'under_1_hour'
    when c.opened_at > cast(:now as timestamptz) - interval '4 hours' then 'under_4_hours'
    when c.opened_at > cast(:now as timestamptz) - interval '1 day' then 'under_1_day'
    when c.opened_at > cast(:now as timestamptz) - interval '3 days' then 'under_3_days'
    when c.opened_at > cast(:now as timestamptz) - interval '7 days' then 'under_7_days'
    else 'older'
  end as part,
  cast(extract(epoch from cast(:now as timestamptz) - c.opened_at) / 60 as bigint) as value
from cases."case" c
where c.status <> 'resolved'
