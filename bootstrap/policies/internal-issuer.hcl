# People who make a tenant's internal keys, for its own software, and hand them out: keys and roles of that kind alone.
# Must never hold: external keys; paths that end a key for good (delete, revoke, expire, purge) or plant one (import),
# which are the tenant administrator's; nor what apps do.
path "apikeys/my/due" {
  capabilities = ["read"]
}
path "apikeys/my/ids/+" {
  capabilities = ["read"]
}
path "apikeys/my/internal/keys/" {
  capabilities = ["list"]
}
path "apikeys/my/internal/keys/+" {
  capabilities = ["read", "update", "patch"]
}
path "apikeys/my/internal/keys/+/rotate" {
  capabilities = ["update"]
}
path "apikeys/my/internal/keys/+/reveal" {
  capabilities = ["update"]
}
path "apikeys/my/internal/keys/+/extend" {
  capabilities = ["update"]
}
path "apikeys/my/internal/keys/+/disable" {
  capabilities = ["update"]
}
path "apikeys/my/internal/keys/+/enable" {
  capabilities = ["update"]
}
path "apikeys/my/internal/keys/+/handover" {
  capabilities = ["read"]
}
path "apikeys/my/internal/keys/+/history" {
  capabilities = ["read"]
}
path "apikeys/my/internal/roles/" {
  capabilities = ["list"]
}
path "apikeys/my/internal/roles/+" {
  capabilities = ["read", "update", "patch"]
}
path "apikeys/my/internal/leased/" {
  capabilities = ["list"]
}
path "apikeys/my/internal/leased/+" {
  capabilities = ["read"]
}
