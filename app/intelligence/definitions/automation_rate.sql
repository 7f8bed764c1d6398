-- Every case opened in the period: did automation end it alone? It did when nobody had touched the case before it closed, and for seven days
-- after it was not reopened and no case of the same group followed. Closed alone less than seven days ago nobody can know yet: pending.
-- Everything else counts against it, cases that are still open too.
select f.id, f.id as case_id, f.customer_id, f.exception_type as type, f.owner_id, f.opened_at as at, 'all' as split,
  case
    when f.closed_at is null and f.touches = 0 then 'open'
    when f.closed_at is null or not f.closed_alone then 'by_hand'
    when f.back_at <= f.closed_at + interval '7 days' then 'came_back'
    when f.closed_at > cast(:now as timestamptz) - interval '7 days' then 'pending'
    else 'alone'
  end as part,
  cast(null as bigint) as value
from intelligence.case_fact f
where f.opened_at >= :since and f.opened_at < :until
