package paths_test

import "testing"

// An empty key ID is a variable that was not set, not the wish to end the whole key.
func TestEmptyKeyIDIsRefused(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		for _, action := range []string{"revoke", "disable", "enable"} {
			acme.Refused(400, "key_id").Write(billing+"/"+action, fields{"key_id": ""})
		}
		acme.Refused(400, "current_key_id").Write(billing+"/rotate", fields{"current_key_id": ""})
		h.Finds("valid")
		acme.Write(billing+"/revoke", fields{"key_id": nil}).Is(fields{"state": "revoked"})
	})
}

// A list of nothing has no fields at all, which Vault answers with a 404.
func TestEmptyLists(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		for _, path := range []string{"my/external/keys/", "my/external/roles/", "my/internal/leased/"} {
			if a := acme.List(path, nil); len(a.Data) != 0 {
				t.Errorf("%s: %v", path, a.Data)
			}
		}
	})
}

// Deleting a role says so in its answer.
func TestDeletedRoleSaysSo(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/external/roles/app", nil).Is(fields{"deleted_at": nil})
		acme.Remove("my/external/roles/app").Is(fields{"deleted_at": stamp(0)})
	})
}
