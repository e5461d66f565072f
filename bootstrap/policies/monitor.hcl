# A program that watches the mount, such as Prometheus: how the engine is doing, in numbers alone. Its entity, if any,
# has no tenant.
# Must never hold: config, nor anything else, whether to read or to change: its token lies in the settings of other
# programs.
path "apikeys/metrics" {
  capabilities = ["read"]
}
path "apikeys/status" {
  capabilities = ["read"]
}
