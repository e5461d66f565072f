# The person who moves a provider's existing keys in, once, while the operator has import open (allow_import_until):
# plants keys, and sees none. The entity has no tenant.
# Must never hold: any key or secret of a tenant, verify, or the settings that open import, which are the operator's.
path "apikeys/admin/import" {
  capabilities = ["update"]
}
path "apikeys/admin/tenants/" {
  capabilities = ["list"]
}
path "apikeys/admin/tenants/+" {
  capabilities = ["read"]
}
