-- Every case opened in the period: was the customer told before the promised time was over? Told means that the customer's mail server took
-- the first message of the case; promised is the earliest promise of its order or shipment that was open when the case began. The minutes run
-- from the opening of the case to the message. Without a promise a message is neither in time nor late.
select f.id, f.id as case_id, f.customer_id, f.exception_type as type, f.owner_id, f.opened_at as at, 'all' as split,
  case
    when f.first_told_at is null and f.promised_at <= cast(:now as timestamptz) then 'not_told'
    when f.first_told_at is null then 'quiet'
    when f.promised_at is null then 'no_promise'
    when f.first_told_at <= f.promised_at then 'in_time'
    else 'late'
  end as part,
  cast(extract(epoch from f.first_told_at - f.opened_at) / 60 as bigint) as value
from intelligence.case_fact f
where f.opened_at >= :since and f.opened_at < :until
