# In the place of app, for apps whose tenant is in the metadata of a group: a policy cannot name that without the
# group's own name.
# Only with tenant_binding=required, where the engine refuses every tenant but the caller's own. The plus after tenants/
# allows all of them: under tenant_binding=auto, an app that holds this and has no tenant would be given any tenant's
# leased keys.
# Must never hold: what app must never hold; and it is never given to anybody of the provider.
path "apikeys/my/+/sign/*" {
  capabilities = ["update", "patch"]
}
path "apikeys/my/+/static-creds/*" {
  capabilities = ["read"]
}
path "apikeys/tenants/+/+/creds/*" {
  capabilities = ["read"]
}
