# A server of the provider that receives signed calls: asks who signed a call, over all tenants. Its entity has no
# tenant.
# Must never hold: sign or any key, so that a server that judges can never forge.
# replay_check=false leaves a call unrecorded and open to replay: withheld. An item of a batch cannot say it either,
# because the engine heeds it there only where the field is given beside the batch too.
path "apikeys/verify" {
  capabilities      = ["update", "patch"]
  denied_parameters = { "replay_check" = [] }
}
# Relays a holder's call for its key's successor. The successor comes sealed: the server cannot open it.
path "apikeys/pickup" {
  capabilities = ["update"]
}
