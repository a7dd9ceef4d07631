package devcluster

import (
	"os"
	"testing"
	"time"
)

func TestStart(t *testing.T) {
	began := time.Now()
	c, err := Start(t.Context(), Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(began))
	began = time.Now()
	c.Stop()
	t.Log(time.Since(began))
}
