# A gateway of the provider that verifies by itself: fetches the secrets of keys, where the operator and their tenants allow it. Its
# entity has no tenant. Who holds this can sign as every such key's holder: give it to few, and to none that verify can serve.
# Must never hold: any tenant's paths, or the settings that open the keyring, which are the operator's.
path "apikeys/keyring/+" {
  capabilities = ["read"]
}
