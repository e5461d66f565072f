# The Service Provider Administrator: opens, limits, suspends and closes tenants.
# Must never hold: a tenant's keys, secrets or verdicts; imports, which would plant keys the provider knows; and paths
# that lead round this wall: sys/ (policies, mounts, leases, plugins, audit, raw, wrapping), identity/ and the settings
# of auth/.
path "apikeys/admin/tenants/" {
  capabilities = ["list"]
}
path "apikeys/admin/tenants/*" {
  capabilities = ["read", "update", "patch", "delete"]
}
path "apikeys/admin/ids/*" {
  capabilities = ["read"]
}
path "apikeys/admin/report" {
  capabilities = ["read"]
}

# All that follows is refused even when another policy of the same person grants it, or a broader path.
# The operator's paths: anybody who writes config can take the wall of identity down.
path "apikeys/config" {
  capabilities = ["deny"]
}
path "apikeys/tidy" {
  capabilities = ["deny"]
}
path "apikeys/tidy/status" {
  capabilities = ["deny"]
}
path "apikeys/metrics" {
  capabilities = ["deny"]
}

# Verdicts, and the ways to a secret.
path "apikeys/verify" {
  capabilities = ["deny"]
}
path "apikeys/pickup" {
  capabilities = ["deny"]
}
path "apikeys/keyring/*" {
  capabilities = ["deny"]
}
# The same once more: a grant with a plus is closer than one with a star, and would win.
path "apikeys/keyring/+" {
  capabilities = ["deny"]
}
path "apikeys/admin/import" {
  capabilities = ["deny"]
}

# The tenants' paths.
path "apikeys/tenants/*" {
  capabilities = ["deny"]
}
path "apikeys/my" {
  capabilities = ["deny"]
}
path "apikeys/my/*" {
  capabilities = ["deny"]
}
