package devserver

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/hashicorp/vault/api"
)

// Person is somebody, or some app, who logs in.
type Person struct {
	Name     string
	Tenant   string   // kept in the entity's metadata; empty for those of the provider
	Policies []string // names of policies
	App      bool     // logs in through approle, not userpass
}

// login is how a person logs in.
type login struct {
	path   string
	fields map[string]any
}

// EnableLogins enables the auth methods userpass, for people, and approle, for apps.
func (s *Server) EnableLogins(ctx context.Context) error {
	sys := s.Root().Sys()
	for _, method := range []string{"userpass", "approle"} {
		if err := sys.EnableAuthWithOptionsWithContext(ctx, method, &api.EnableAuthOptions{Type: method}); err != nil {
			return err
		}
	}
	mounts, err := sys.ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range []string{"userpass", "approle"} {
		s.accessors[method] = mounts[method+"/"].Accessor
	}
	return nil
}

// Enrol makes the person an entity with an alias, who can then log in. [Server.EnableLogins] comes first.
func (s *Server) Enrol(ctx context.Context, person Person) error {
	method, enrol := "userpass", s.enrolUser
	if person.App {
		method, enrol = "approle", s.enrolApp
	}
	alias, enter, err := enrol(ctx, person.Name)
	if err != nil {
		return err
	}

	entity := map[string]any{"name": person.Name, "policies": person.Policies}
	if person.Tenant != "" {
		entity["metadata"] = map[string]string{"tenant": person.Tenant}
	}
	made, err := s.Root().Logical().WriteWithContext(ctx, "identity/entity", entity)
	if err != nil {
		return err
	}
	if made == nil {
		return fmt.Errorf("%s is enrolled already", person.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins[person.Name] = enter
	_, err = s.Root().Logical().WriteWithContext(ctx, "identity/entity-alias", map[string]any{
		"name": alias, "canonical_id": made.Data["id"], "mount_accessor": s.accessors[method],
	})
	return err
}

// enrolUser returns the alias by which userpass knows the person, which is the name, and how to log in.
func (s *Server) enrolUser(ctx context.Context, name string) (alias string, enter login, err error) {
	secret := map[string]any{"password": rand.Text()}
	_, err = s.Root().Logical().WriteWithContext(ctx, "auth/userpass/users/"+name, secret)
	return name, login{path: "auth/userpass/login/" + name, fields: secret}, err
}

// enrolApp returns the alias by which approle knows the app, which is its role ID, and how to log in.
func (s *Server) enrolApp(ctx context.Context, name string) (alias string, enter login, err error) {
	logical, role := s.Root().Logical(), "auth/approle/role/"+name
	if _, err := logical.WriteWithContext(ctx, role, map[string]any{"token_ttl": "8h"}); err != nil {
		return "", login{}, err
	}
	id, err := logical.ReadWithContext(ctx, role+"/role-id")
	if err != nil {
		return "", login{}, err
	}
	secret, err := logical.WriteWithContext(ctx, role+"/secret-id", nil)
	if err != nil {
		return "", login{}, err
	}
	roleID, _ := id.Data["role_id"].(string)
	fields := map[string]any{"role_id": roleID, "secret_id": secret.Data["secret_id"]}
	return roleID, login{path: "auth/approle/login", fields: fields}, nil
}

// Login logs the person in, and returns the token.
func (s *Server) Login(ctx context.Context, name string) (string, error) {
	s.mu.Lock()
	enter, ok := s.logins[name]
	s.mu.Unlock()
	if !ok {
		return "", fmt.Errorf("%s is not enrolled", name)
	}
	answer, err := s.Client("").Logical().WriteWithContext(ctx, enter.path, enter.fields)
	if err != nil {
		return "", err
	}
	return answer.TokenID()
}

// Admit enrols people and logs each in. It returns their tokens by name.
func (s *Server) Admit(ctx context.Context, people []Person) (map[string]string, error) {
	tokens := make(map[string]string, len(people))
	for _, person := range people {
		if err := s.Enrol(ctx, person); err != nil {
			return nil, fmt.Errorf("%s: %w", person.Name, err)
		}
		token, err := s.Login(ctx, person.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", person.Name, err)
		}
		tokens[person.Name] = token
	}
	return tokens, nil
}
