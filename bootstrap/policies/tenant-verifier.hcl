# A server of a tenant that receives signed calls: asks whether a call of this tenant's keys is good.
# Must never hold: sign or any key, so that a server that judges can never forge.
# replay_check=false leaves a call unrecorded and open to replay: withheld. An item of a batch cannot say it either,
# because the engine heeds it there only where the field is given beside the batch too.
path "apikeys/my/verify" {
  capabilities      = ["update", "patch"]
  denied_parameters = { "replay_check" = [] }
}
