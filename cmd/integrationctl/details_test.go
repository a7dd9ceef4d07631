package main

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestNewestDeliveries(t *testing.T) {
	w := workspace.New("ws-001")
	for version := range int64(5) {
		e := workspace.Event{Type: workspace.EventCreated, Data: workspace.Data{WorkspaceID: "ws-001", Version: version + 1, Name: "Fraud"}}
		if _, err := workspace.Record(w, e, workspace.NewDelivery("msg_"+strconv.FormatInt(version+1, 10), nil, time.Time{})); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := newestDeliveries(w), []string{"msg_5", "msg_4", "msg_3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
