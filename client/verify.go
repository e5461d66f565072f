package client

import (
	"context"
	"net/netip"
	"time"
)

type Call struct {
	Request            string
	Message, Signature string
	ClientIP           netip.Addr
}
type Verdict struct {
	Verdict                                string
	Valid                                  bool
	Tenant, Kind, Name, KeyID              string
	Version                                int
	State, Scheme, User                    string
	Metadata                               map[string]string
	ExpiresAt                              time.Time
	SuccessorKeyID, Variant, ContentDigest string
	ServerTime                             time.Time
	ReplayTableFull                        bool
}
type Judge interface {
	Verify(ctx context.Context, c Call) (Verdict, error)
}
