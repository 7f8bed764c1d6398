-- Every case opened in the period, once for people and once for automation: minutes from the event itself (not from our hearing of it) to the
-- first act by one of the partner's people, and to the first act of a run. A case closed without such an act has none; it counts in no median.
select f.id, f.id as case_id, f.customer_id, f.exception_type as type, f.owner_id, f.opened_at as at, 'person' as split,
  case when f.first_person_at is not null then 'answered' when f.closed_at is not null then 'closed' else 'waiting' end as part,
  cast(extract(epoch from f.first_person_at - f.happened_at) / 60 as bigint) as value
from intelligence.case_fact f
where f.opened_at >= :since and f.opened_at < :until
union all
select f.id, f.id as case_id, f.customer_id, f.exception_type as type, f.owner_id, f.opened_at as at, 'automation' as split,
  case when f.first_run_at is not null then 'answered' when f.closed_at is not null then 'closed' else 'waiting' end as part,
  cast(extract(epoch from f.first_run_at - f.happened_at) / 60 as bigint) as value
from intelligence.case_fact f
where f.opened_at >= :since and f.opened_at < :until
