package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// browserPackages are headless Chromium, and a font, so that pages look the same everywhere.
var browserPackages = []string{"chromium-headless-shell", "fonts-liberation"}

const (
	browserProgram = "chromium"
	browserFonts   = "fonts.conf"
)

// browserLauncher runs Chromium with the libraries that the machine lacks.
const browserLauncher = `#!/bin/sh
dir=$(cd "$(dirname "$0")" && pwd)
libraries=$(echo "$dir"/debian/usr/lib/*-linux-gnu)
export FONTCONFIG_FILE="$dir/fonts.conf" XDG_CACHE_HOME="$dir/cache"
export LD_LIBRARY_PATH="$libraries:$libraries/pulseaudio"
exec "$dir/debian/usr/lib/chromium/chromium-headless-shell" "$@"
`

// browserFontConfig shows every text in the unpacked fonts.
const browserFontConfig = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">debian/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <match target="pattern">
    <test name="family" compare="eq"><string>monospace</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Liberation Mono</string></edit>
  </match>
  <match target="pattern">
    <test name="family" compare="not_eq"><string>Liberation Mono</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Liberation Sans</string></edit>
  </match>
</fontconfig>
`

// Browser returns the path of headless Chromium: one of the machine, or else Debian's, which is unpacked into the cache with the
// libraries that the machine lacks, and not installed.
func Browser(ctx context.Context, out io.Writer) (string, error) {
	for _, name := range []string{"chromium-headless-shell", browserProgram, "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	dir, err := provide(ctx, out, browser)
	return filepath.Join(dir, browserProgram), err
}

func browser(source) set {
	return set{
		title: "a browser from packages of Debian",
		path:  filepath.Join("browser", runtime.GOARCH+"-2"),
		files: []string{browserProgram},
		finish: func(ctx context.Context, dir string) error {
			if err := unpackBrowser(ctx, filepath.Join(dir, DebianRoot)); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, browserFonts), []byte(browserFontConfig), 0o600); err != nil {
				return fmt.Errorf("writing the fonts' configuration: %w", err)
			}
			if err := os.WriteFile(filepath.Join(dir, browserProgram), []byte(browserLauncher), 0o700); err != nil { //nolint:gosec // it is executed
				return fmt.Errorf("writing the browser's launcher: %w", err)
			}
			return runIn(ctx, dir, filepath.Join(dir, browserProgram), "--version")
		},
	}
}

// unpackBrowser asks for the packages as if they were to be installed: the machine's own libraries are not downloaded again.
func unpackBrowser(ctx context.Context, root string) error {
	return fromDebian(ctx, func(apt debianArchive) error {
		install := []string{"install", "--download-only", "--reinstall", "--no-install-recommends", "-y"}
		if err := apt.get(ctx, append(install, browserPackages...)...); err != nil {
			return err
		}
		return apt.unpack(ctx, apt.dependencies(), root)
	})
}
