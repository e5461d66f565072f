# The operator of the mount: its defaults and caps, its health, and the repair of its indexes.
# Must never hold: anything about a tenant or a key, whether under admin/, my/ or tenants/, nor verify.
path "apikeys/config" {
  capabilities = ["read", "update", "patch"]
}
path "apikeys/status" {
  capabilities = ["read"]
}
path "apikeys/metrics" {
  capabilities = ["read"]
}
path "apikeys/tidy" {
  capabilities = ["update"]
}
path "apikeys/tidy/status" {
  capabilities = ["read"]
}
