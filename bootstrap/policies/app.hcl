# An app of a tenant: has Vault sign for it, fetches the key it was given, or takes a leased key of its own.
# Must never hold: verify, so that no program judges what it signs; nor any change to keys and roles.
# Paths of creds name the tenant itself, so that leases and the audit log carry it: the tenant is the entity's.
path "apikeys/my/+/sign/*" {
  capabilities = ["update", "patch"]
}
path "apikeys/my/+/static-creds/*" {
  capabilities = ["read"]
}
path "apikeys/tenants/{{identity.entity.metadata.tenant}}/+/creds/*" {
  capabilities = ["read"]
}
