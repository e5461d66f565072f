# People who look after a tenant's keys day by day, such as a help desk: what there is, its state, and what is due.
# Must never hold: any change, nor any way to a secret, sealed ones included (reveal, handover, static-creds, creds).
path "apikeys/my" {
  capabilities = ["read"]
}
path "apikeys/my/due" {
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
