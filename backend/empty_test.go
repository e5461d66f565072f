package backend_test

import "testing"

// An empty key ID is a variable that was not set, not the wish to end the whole key.
func TestEmptyKeyIDIsRefused(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		for _, action := range []string{"revoke", "disable", "enable"} {
			acme.refused(400, "key_id").write(billing+"/"+action, fields{"key_id": ""})
		}
		acme.refused(400, "current_key_id").write(billing+"/rotate", fields{"current_key_id": ""})
		h.finds("valid")
		acme.write(billing+"/revoke", fields{"key_id": nil}).is(fields{"state": "revoked"})
	})
}

// A list of nothing has no fields at all, which Vault answers with a 404.
func TestEmptyLists(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		for _, path := range []string{"my/external/keys/", "my/external/roles/", "my/internal/leased/"} {
			if a := acme.list(path, nil); len(a.data) != 0 {
				t.Errorf("%s: %v", path, a.data)
			}
		}
	})
}

// Deleting a role says so in its answer.
func TestDeletedRoleSaysSo(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/external/roles/app", nil).is(fields{"deleted_at": nil})
		acme.remove("my/external/roles/app").is(fields{"deleted_at": stamp(0)})
	})
}
