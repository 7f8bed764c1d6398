# What an installation needs for a given load: numbers only, so it plans and tests without any provider.
# The figures per unit are measured on two shared cores by `make bench`; see docs/operations.md.

terraform {
  required_version = ">= 1.6"
}

variable "events_per_second" {
  description = "Signals accepted a second at the busiest hour"
  type        = number
  validation {
    condition     = var.events_per_second > 0 && var.events_per_second <= 20000
    error_message = "events_per_second must be between 1 and 20000."
  }
}

variable "tenants" {
  description = "Environments of partners"
  type        = number
  validation {
    condition     = var.tenants >= 1 && var.tenants <= 100000
    error_message = "tenants must be between 1 and 100000."
  }
}

variable "retention_days" {
  description = "Days events are kept"
  type        = number
  default     = 400
  validation {
    condition     = var.retention_days >= 30
    error_message = "retention_days must be at least 30."
  }
}

variable "events_per_api_replica" {
  description = "Accepted signals a second one API replica takes with half its core to spare"
  type        = number
  default     = 250
}

variable "events_per_worker_replica" {
  description = "Signals a second one worker replica maps, decides and starts runs for"
  type        = number
  default     = 80
}

variable "pool_size" {
  description = "Database connections a role and process (DETOUR_POOL_SIZE)"
  type        = number
  default     = 8
}

locals {
  api_replicas    = max(2, ceil(var.events_per_second / var.events_per_api_replica))
  worker_replicas = max(2, ceil(var.events_per_second / var.events_per_worker_replica))

  # Sessions may double a pool for a moment (overflow); direct pools do not. Three roles have sessions, three have direct pools.
  connections_per_process = var.pool_size * 2 * 3 + var.pool_size * 3
  connections             = (local.api_replicas + local.worker_replicas) * local.connections_per_process
  needs_pooler            = local.connections > 400

  # A stored signal with its event, history and evidence rows, measured: about 6 KiB with indexes.
  storage_gib = ceil(var.events_per_second * 0.2 * 86400 * var.retention_days * 6 / 1024 / 1024)
}

output "api_replicas" {
  value = local.api_replicas
}

output "worker_replicas" {
  value = local.worker_replicas
}

output "database_connections" {
  value = local.connections
}

output "needs_pooler" {
  description = "More connections than PostgreSQL serves well: put PgBouncer 1.21 or newer (transaction pooling, max_prepared_statements) in front"
  value       = local.needs_pooler
}

output "storage_gib" {
  description = "Database volume, for an average of a fifth of the busiest hour's load"
  value       = local.storage_gib
}
