package workspaceservice

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("connection refused")

// allows reports whether a report is sent that ends with err.
func allows(t *testing.T, b *breaker, err error) bool {
	t.Helper()
	sent := false
	retryAfter, got := b.do(func() error { sent = true; return err })
	if sent == (retryAfter > 0) || sent && !errors.Is(got, err) {
		t.Errorf("sent %v, retry after %v, %v", sent, retryAfter, got)
	}
	return sent
}

// TestBreaker_OpensForAnOutage: of the reports of a day, few reach a workspace service that is down.
func TestBreaker_OpensForAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start, attempts := newBreaker(), time.Now(), 0
		for time.Since(start) < 24*time.Hour {
			if allows(t, b, errDown) {
				attempts++
			}
			<-time.After(max(b.retryAfter(), time.Second))
		}
		if most := int(24 * time.Hour / openTimeout); attempts < most/2 || attempts > most+failureThreshold {
			t.Errorf("%d attempts in a day", attempts)
		}
		if !b.isOpen() {
			t.Error("the circuit is not open")
		}
		<-time.After(openTimeout + time.Nanosecond)
		if !allows(t, b, nil) || b.isOpen() {
			t.Error("the circuit is open after a success")
		}
	})
}

// TestBreaker_SendsOneWhileHalfOpen, and the others once it has succeeded.
func TestBreaker_SendsOneWhileHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		for range failureThreshold {
			allows(t, b, errDown)
		}
		<-time.After(openTimeout + time.Nanosecond)
		sending, finish := make(chan struct{}), make(chan struct{})
		var one sync.WaitGroup
		one.Go(func() {
			_, _ = b.do(func() error { close(sending); <-finish; return nil })
		})
		<-sending
		if allows(t, b, nil) {
			t.Error("a second one was sent")
		}
		close(finish)
		one.Wait()
		if !allows(t, b, nil) {
			t.Error("none was sent after a success")
		}
	})
}

func TestBreaker_HonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		allows(t, b, &StatusError{Status: 429, RetryAfter: 10 * time.Minute})
		if wait := b.retryAfter(); wait < 10*time.Minute || wait > 10*time.Minute+openTimeout || !b.isOpen() {
			t.Errorf("it waits for %v", wait)
		}
		<-time.After(10*time.Minute - 1)
		if allows(t, b, nil) {
			t.Error("one was sent too early")
		}
		<-time.After(1)
		if !allows(t, b, nil) {
			t.Error("none was sent in time")
		}
	})
}

// TestBreaker_IgnoresFailuresOfSingleReports: neither one that fails again and again between others, nor refusals, nor those
// that end with the leadership open the circuit.
func TestBreaker_IgnoresFailuresOfSingleReports(t *testing.T) {
	b := newBreaker()
	for range 10 {
		for _, err := range []error{
			errDown, context.Canceled, errDown, context.Canceled, nil,
			&StatusError{Status: 404}, &StatusError{Status: 404}, &StatusError{Status: 404},
		} {
			if !allows(t, b, err) {
				t.Fatalf("none was sent, before %v", err)
			}
		}
	}
}
