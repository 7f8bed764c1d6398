-- Every touch of a case opened in the period, whenever it was done; the figure is their number for each hundred cases opened in the period.
select a.id, a.case_id, a.customer_id, a.exception_type as type, f.owner_id, a.case_opened_at as at, 'all' as split, a.hand as part,
  cast(null as bigint) as value
from intelligence.act a
left join intelligence.case_fact f on f.tenant_id = a.tenant_id and f.id = a.case_id
where a.is_touch and a.case_opened_at >= :since and a.case_opened_at < :until
