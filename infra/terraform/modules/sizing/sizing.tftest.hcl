run "a_small_partner_gets_two_of_each" {
  command = plan
  variables {
    events_per_second = 20
    tenants           = 10
  }
  assert {
    condition     = output.api_replicas == 2 && output.worker_replicas == 2
    error_message = "never fewer than two: one must be able to go"
  }
  assert {
    condition     = output.needs_pooler == false
    error_message = "four processes fit without a pooler"
  }
}

run "a_peak_season_scales_out_and_pools" {
  command = plan
  variables {
    events_per_second = 2000
    tenants           = 5000
  }
  assert {
    condition     = output.api_replicas == 8 && output.worker_replicas == 25
    error_message = "replicas follow the load"
  }
  assert {
    condition     = output.needs_pooler
    error_message = "this many processes need a pooler"
  }
}

run "no_load_is_refused" {
  command = plan
  variables {
    events_per_second = 0
    tenants           = 1
  }
  expect_failures = [var.events_per_second]
}

run "forgetting_evidence_early_is_refused" {
  command = plan
  variables {
    events_per_second = 10
    tenants           = 1
    retention_days    = 7
  }
  expect_failures = [var.retention_days]
}
