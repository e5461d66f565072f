# A tenant's auditor: what a viewer sees, with who changed what, and how the keys stand against the rules.
# Must never hold: any change, nor any way to a secret, sealed ones included (reveal, handover, static-creds, creds).
path "apikeys/my" {
  capabilities = ["read"]
}
path "apikeys/my/due" {
  capabilities = ["read"]
}
path "apikeys/my/report" {
  capabilities = ["read"]
}
path "apikeys/my/ids/+" {
  capabilities = ["read"]
}
path "apikeys/my/+/keys/" {
  capabilities = ["list"]
}
path "apikeys/my/+/keys/+" {
  capabilities = ["read"]
}
path "apikeys/my/+/keys/+/history" {
  capabilities = ["read"]
}
path "apikeys/my/+/roles/" {
  capabilities = ["list"]
}
path "apikeys/my/+/roles/+" {
  capabilities = ["read"]
}
path "apikeys/my/+/leased/" {
  capabilities = ["list"]
}
path "apikeys/my/+/leased/+" {
  capabilities = ["read"]
}
