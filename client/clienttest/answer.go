package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// answer asks the engine, and writes what Vault would. A secret of the answer gets a lease.
func (e *Engine) answer(w http.ResponseWriter, r *http.Request, req *logical.Request) {
	resp, err := e.handle(r, req)
	if err != nil || resp.IsError() {
		status, err := logical.RespondErrorCommon(req, resp, err)
		logical.AdjustErrorStatusCode(&status, err)
		refuse(w, status, err.Error())
		return
	}
	switch {
	case resp == nil:
		w.WriteHeader(http.StatusNoContent)
	case resp.Data[logical.HTTPRawBody] != nil:
		refuse(w, http.StatusNotImplemented, "clienttest answers in JSON alone")
	case resp.Secret == nil:
		reply(w, map[string]any{"data": resp.Data, "warnings": resp.Warnings})
	default:
		id := Mount + "/" + req.Path + "/" + rand.Text()
		e.leased(w, id, &logical.Request{Path: req.Path, MountPoint: req.MountPoint, Secret: resp.Secret}, resp)
	}
}

// leased keeps a lease, and tells of it.
func (e *Engine) leased(w http.ResponseWriter, id string, lease *logical.Request, resp *logical.Response) {
	lease.Secret.LeaseID, lease.Secret.IssueTime = id, later(lease.Secret.IssueTime, time.Now())
	e.mu.Lock()
	e.leases[id] = lease
	e.mu.Unlock()
	reply(w, map[string]any{
		"lease_id": id, "lease_duration": int64(lease.Secret.TTL / time.Second), "renewable": lease.Secret.Renewable,
		"data": resp.Data, "warnings": resp.Warnings,
	})
}

// later returns when a lease was issued: a renewal does not change it.
func later(issued, now time.Time) time.Time {
	if issued.IsZero() {
		return now
	}
	return issued
}

// lease renews or revokes a lease.
func (e *Engine) lease(w http.ResponseWriter, r *http.Request, data map[string]any, op logical.Operation) {
	id, _ := data["lease_id"].(string)
	e.mu.Lock()
	held, ok := e.leases[id]
	if ok && op == logical.RevokeOperation {
		delete(e.leases, id)
	}
	e.mu.Unlock()
	if !ok {
		if op == logical.RevokeOperation { // Vault says nothing of a lease that is gone.
			w.WriteHeader(http.StatusNoContent)
			return
		}
		refuse(w, http.StatusBadRequest, "lease not found")
		return
	}
	secret := *held.Secret
	if seconds, ok := data["increment"].(json.Number); ok {
		n, err := seconds.Int64()
		if err != nil {
			refuse(w, http.StatusBadRequest, "increment is no number")
			return
		}
		secret.Increment = time.Duration(n) * time.Second
	}
	req := &logical.Request{
		ID:         rand.Text(),
		Operation:  op,
		Path:       held.Path,
		MountPoint: held.MountPoint,
		Secret:     &secret,
		Data:       map[string]any{},
	}
	resp, err := e.handle(r, req)
	switch {
	case err != nil || resp.IsError():
		status, err := logical.RespondErrorCommon(req, resp, err)
		logical.AdjustErrorStatusCode(&status, err)
		refuse(w, status, err.Error())
	case op == logical.RevokeOperation || resp == nil || resp.Secret == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		secret.TTL, secret.MaxTTL = resp.Secret.TTL, resp.Secret.MaxTTL
		e.leased(w, id, &logical.Request{Path: held.Path, MountPoint: held.MountPoint, Secret: &secret}, resp)
	}
}

func reply(w http.ResponseWriter, answer map[string]any) {
	answer["request_id"] = rand.Text()
	text, err := json.Marshal(answer)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "an answer that is no JSON")
		return
	}
	write(w, http.StatusOK, text)
}

// refuse answers with an error in the form in which Vault passes on those of plugins.
func refuse(w http.ResponseWriter, status int, why string) {
	text, _ := json.Marshal(map[string]any{"errors": []string{fmt.Sprintf("1 error occurred:\n\t* %s\n\n", why)}})
	write(w, status, text)
}

func write(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
