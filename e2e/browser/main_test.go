// Package browser proves the web page in headless Chromium, on the real service and the real control plane. It runs only by
// `make test-browser`, which downloads the browser.
package browser

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared harness.Shared

// chromium is the browser that all tests share.
var chromium context.Context

func TestMain(m *testing.M) {
	if os.Getenv("BROWSER_TESTS") == "" {
		fmt.Println("SKIP: these tests need a browser; make test-browser runs them") //nolint:forbidigo // for go test -v
		return
	}
	stop, err := startBrowser()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer stop()
	shared.Main(m)
}

func startBrowser() (stop func(), err error) {
	path, err := binaries.Browser(context.Background(), os.Stderr)
	if err != nil {
		return nil, err
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.IgnoreCertErrors, chromedp.WindowSize(1180, 900))...)
	ctx, cancelBrowser := chromedp.NewContext(allocator)
	chromium = ctx //nolint:fatcontext // chromedp keeps the browser in it
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("starting the browser: %w", err)
	}
	return func() { cancelBrowser(); cancel() }, nil
}
