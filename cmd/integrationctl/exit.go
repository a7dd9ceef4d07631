package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes besides 0 and 1.
const (
	exitError         = 1
	exitDifferences   = 2
	exitPreflight     = 3
	exitRolledBack    = 4
	exitNotRolledBack = 5
	exitUsage         = 64
	exitInterrupted   = 130
)

const exitCodesHelp = `Exit codes: 0 done, 1 error, 2 differences found, 3 a check failed or unsupported, 4 failed and rolled back,
5 failed and not rolled back, 64 wrong usage, 130 interrupted.`

// codedError is an error with an exit code of its own. Without a text, nothing is printed: the output has said it.
type codedError struct {
	code int
	text string
}

func (e *codedError) Error() string { return e.text }

// usagef is an error in the command line.
func usagef(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Sprintf(format, args...)}
}

// asUsage makes an error one in the command line of c.
func asUsage(c *cobra.Command, err error) error {
	var coded *codedError
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return usagef("%v; see %s --help", err, c.CommandPath())
}

// exitCode returns the exit code for the error of a command, and says what the error was.
func exitCode(ctx context.Context, err error, say func(string)) int {
	var coded *codedError
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		if errors.As(err, &coded) && coded.code == exitInterrupted {
			say(coded.text)
		}
		return exitInterrupted
	case errors.As(err, &coded):
		if coded.text != "" {
			say(err.Error())
		}
		return coded.code
	}
	say(err.Error())
	if hint := hintFor(err); hint != "" {
		say(hint)
	}
	return exitError
}

// refuseUnknownCommand is for a command that has only subcommands.
func refuseUnknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2 // cobra's own, where it suggests
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		text += "; did you mean " + strings.Join(similar, " or ") + "?"
	}
	return errors.New(text)
}

// explainFlag says of a flag's value what it should be.
func explainFlag(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return asUsage(c, err)
	}
	should := map[string]string{
		"duration": "a duration such as 30s or 5m", "bool": "true or false", "int": "a whole number", "int64": "a whole number",
		"float64": "a number", "stringToString": "key=value", "uint16": "a port",
	}[invalid.GetFlag().Value.Type()]
	if should == "" {
		return usagef("--%s %q: %v", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	}
	return usagef("--%s must be %s, not %q", invalid.GetFlag().Name, should, invalid.GetValue())
}
