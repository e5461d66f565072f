# A gateway of the provider that verifies by itself: fetches the secrets of keys, where the operator and their tenants
# allow it. Its entity has no tenant. A holder of this policy can sign as the holder of every such key: give it to few
# gateways, and to none that verify can serve.
# Must never hold: any tenant's paths, or the settings that open the keyring, which are the operator's.
path "apikeys/keyring/+" {
  capabilities = ["read"]
}
