# The warehouse's webhook `order.cutoff_missed` as a canonical event; its other webhooks are read and mean nothing here.
if .type != "order.cutoff_missed" then []
else
  .data
  | [{
      type: "order.cutoff_missed",
      occurred_at: .cutoffAt,
      account: .accountNumber,
      refs: ({order: .orderNumber, shipment: .shipmentNumber} | with_entries(select(.value != null))),
      data: {cutoff_at: .cutoffAt, reason, priority, site: .warehouse, sku: .lines[0].sku}
    }]
end
