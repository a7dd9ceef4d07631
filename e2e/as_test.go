package e2e

import (
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// as is a client of somebody who has signed in: a user of this name, in these groups.
func as(t testing.TB, user string, groups ...string) client.Client {
	t.Helper()
	cfg := world.cluster.Config()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	c, err := client.New(cfg, client.Options{Scheme: world.admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asAccount is a client of a ServiceAccount.
func asAccount(t testing.TB, namespace, name string) client.Client {
	t.Helper()
	return as(t, "system:serviceaccount:"+namespace+":"+name, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
}
