# Every AT7 status of an X12 214 as a milestone of its shipment. Whose it is: the account number (L11 qualifier 11),
# else the name of the party it ships from (N1*SF), which some carriers fill with the shipper's account.
.set.shipment as $shipment
| {shipment: $shipment.shipment, pro: $shipment.reference, order: $shipment.refs.PO[0]} as $refs
| [ $shipment.stops[].statuses[]
    | {
        type: "shipment.milestone_recorded",
        occurred_at,
        account: ($shipment.refs["11"][0] // $shipment.parties.SF.name),
        refs: ($refs | with_entries(select(.value != null and .value != ""))),
        data: ({status_code: .code, reason_code: .reason, carrier: $shipment.scac, location}
          | with_entries(select(.value != null and .value != "")))
      } ]
