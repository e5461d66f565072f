# In the place of app, for apps whose tenant is a claim of their login, as config tenant_claims names it. The script
# puts accessor and key of the claim in the place of ACCESSOR and KEY: scripts/policies.sh -c ACCESSOR:KEY.
# Must never hold: what app must never hold; and it is never given to anybody of the provider.
path "apikeys/my/+/sign/*" {
  capabilities = ["update", "patch"]
}
path "apikeys/my/+/static-creds/*" {
  capabilities = ["read"]
}
path "apikeys/tenants/{{identity.entity.aliases.ACCESSOR.metadata.KEY}}/+/creds/*" {
  capabilities = ["read"]
}
