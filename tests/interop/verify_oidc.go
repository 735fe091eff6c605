// go-oidc, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/coreos/go-oidc"
)

const orders = "https://orders.example.com"

type claims struct {
	Subject  string `json:"sub"`
	Username string `json:"username"`
	Scope    string `json:"scope"`
	ClientID string `json:"client_id"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	base, version := os.Args[1], os.Args[2]
	var tokens struct {
		Login    string
		Tampered string
		Access   struct{ Good, Elsewhere, Expired, Tampered string }
		Machines []string
	}
	must(json.NewDecoder(os.Stdin).Decode(&tokens))

	provider, err := oidc.NewProvider(context.Background(), base)
	must(err)
	var discovered struct {
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	must(provider.Claims(&discovered))

	verify := func(token, audience string) (found claims, err error) {
		config := &oidc.Config{ClientID: audience, SupportedSigningAlgs: discovered.Algorithms}
		verified, err := provider.Verifier(config).Verify(context.Background(), token)
		if err == nil {
			err = verified.Claims(&found)
		}
		return found, err
	}
	rejected := func(token, audience, reason string) {
		if _, err := verify(token, audience); err == nil || !strings.Contains(err.Error(), reason) {
			log.Fatalf("go-oidc must say %q: %v", reason, err)
		}
	}
	proved := func(claim string, values ...interface{}) {
		fmt.Printf("go-oidc %s: "+claim+"\n", append([]interface{}{version}, values...)...)
	}

	session, err := verify(tokens.Login, "latchkey")
	must(err)
	user, err := verify(tokens.Access.Good, orders)
	must(err)
	if user != (claims{session.Subject, "demo", "orders:read", "latchkey"}) {
		log.Fatal(user)
	}
	proved("the session token and the access token verify, of the same user")
	for _, token := range tokens.Machines {
		machine, err := verify(token, orders)
		must(err)
		if machine.Subject == "" || machine.Subject != machine.ClientID || machine.Username != "" {
			log.Fatal(machine)
		}
	}
	proved("%d access tokens of machines verify; sub is client_id", len(tokens.Machines))
	rejected(tokens.Login, orders, "expected audience")
	rejected(tokens.Access.Good, "latchkey", "expected audience")
	proved("neither kind of token passes as the other, by aud")
	rejected(tokens.Access.Elsewhere, orders, "expected audience")
	rejected(tokens.Access.Expired, orders, "token is expired")
	rejected(tokens.Access.Tampered, orders, "failed to verify signature")
	rejected(tokens.Tampered, "latchkey", "failed to verify signature")
	proved("an access token for another API, an expired one and tampered ones are rejected")
}
