# An installation's plan: how many of what. Feed the outputs to the module of your cloud (managed PostgreSQL 17 or newer,
# Redis or Valkey, a Kubernetes cluster) and to the manifests in ../kubernetes.

terraform {
  required_version = ">= 1.6"
}

variable "events_per_second" {
  type    = number
  default = 50
}

variable "tenants" {
  type    = number
  default = 20
}

module "sizing" {
  source            = "./modules/sizing"
  events_per_second = var.events_per_second
  tenants           = var.tenants
}

output "plan" {
  value = {
    api_replicas         = module.sizing.api_replicas
    worker_replicas      = module.sizing.worker_replicas
    database_connections = module.sizing.database_connections
    needs_pooler         = module.sizing.needs_pooler
    storage_gib          = module.sizing.storage_gib
  }
}
