-- Every case opened in the period with how often it was touched: each command on it and each call for it by a person, an integration or a link.
-- Answers it waited for (an approval, an option, a document) are no touches.
select f.id, f.id as case_id, f.customer_id, f.exception_type as type, f.owner_id, f.opened_at as at, 'all' as split,
  case when f.touches = 0 then 'none' when f.touches <= 2 then 'one_or_two' when f.touches <= 5 then 'three_to_five' else 'more' end as part,
  f.touches as value
from intelligence.case_fact f
where f.opened_at >= :since and f.opened_at < :until
