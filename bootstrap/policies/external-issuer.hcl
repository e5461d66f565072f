# People who make a tenant's external keys, for customers and integrators, and hand them out: keys and roles of that
# kind alone.
# Must never hold: internal keys; paths that end a key for good (delete, revoke, expire, purge) or plant one (import),
# which are the tenant administrator's; nor what apps do.
path "apikeys/my/due" {
  capabilities = ["read"]
}
path "apikeys/my/ids/+" {
  capabilities = ["read"]
}
path "apikeys/my/external/keys/" {
  capabilities = ["list"]
}
path "apikeys/my/external/keys/+" {
  capabilities = ["read", "update", "patch"]
}
path "apikeys/my/external/keys/+/rotate" {
  capabilities = ["update"]
}
path "apikeys/my/external/keys/+/reveal" {
  capabilities = ["update"]
}
path "apikeys/my/external/keys/+/extend" {
  capabilities = ["update"]
}
path "apikeys/my/external/keys/+/disable" {
  capabilities = ["update"]
}
path "apikeys/my/external/keys/+/enable" {
  capabilities = ["update"]
}
path "apikeys/my/external/keys/+/handover" {
  capabilities = ["read"]
}
path "apikeys/my/external/keys/+/history" {
  capabilities = ["read"]
}
path "apikeys/my/external/roles/" {
  capabilities = ["list"]
}
path "apikeys/my/external/roles/+" {
  capabilities = ["read", "update", "patch"]
}
path "apikeys/my/external/leased/" {
  capabilities = ["list"]
}
path "apikeys/my/external/leased/+" {
  capabilities = ["read"]
}
