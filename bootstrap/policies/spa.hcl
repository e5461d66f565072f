# The Service Provider Administrator: opens, limits, suspends and closes tenants.
# Must never hold: a tenant's keys, secrets or verdicts; imports, which would plant keys the provider knows; and what leads
# round this wall: sys/ (policies, mounts, leases, plugins, audit, raw, wrapping), identity/ and the settings of auth/.
path "apikeys/admin/tenants" {
  capabilities = ["list"]
}
path "apikeys/admin/tenants/*" {
  capabilities = ["read", "list", "update", "patch", "delete"]
}
path "apikeys/admin/ids/*" {
  capabilities = ["read"]
}
path "apikeys/admin/report" {
  capabilities = ["read"]
}

# Refused even when another policy of the same person grants it.
path "apikeys/admin/import" {
  capabilities = ["deny"]
}
path "apikeys/tenants/*" {
  capabilities = ["deny"]
}
path "apikeys/my" {
  capabilities = ["deny"]
}
path "apikeys/my/*" {
  capabilities = ["deny"]
}
path "apikeys/keyring/*" {
  capabilities = ["deny"]
}
