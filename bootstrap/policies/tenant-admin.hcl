# A tenant's administrator: all of the tenant's keys, roles and leased keys, and its own settings.
# Must never hold: admin/, another tenant's paths, nor what apps do, which is to sign, to fetch and to verify.
path "apikeys/my" {
  capabilities = ["read", "patch"]
}
path "apikeys/my/due" {
  capabilities = ["read"]
}
path "apikeys/my/report" {
  capabilities = ["read"]
}
path "apikeys/my/explain" {
  capabilities = ["update"]
}
path "apikeys/my/ids/*" {
  capabilities = ["read"]
}
path "apikeys/my/+/import" {
  capabilities = ["update"]
}
path "apikeys/my/+/keys/" {
  capabilities = ["list"]
}
path "apikeys/my/+/keys/*" {
  capabilities = ["read", "update", "patch", "delete"]
}
path "apikeys/my/+/roles/" {
  capabilities = ["list"]
}
path "apikeys/my/+/roles/*" {
  capabilities = ["read", "update", "patch", "delete"]
}
path "apikeys/my/+/leased/" {
  capabilities = ["list"]
}
path "apikeys/my/+/leased/*" {
  capabilities = ["read", "update"]
}
