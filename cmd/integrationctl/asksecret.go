package main

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// askSecret asks on the terminal, and does not show the answer.
func (d *deployment) askSecret(question string) (string, error) {
	file, ok := d.streams.In.(*os.File)
	if !ok {
		return "", errNoTerminal
	}
	fmt.Fprint(d.streams.ErrOut, question)
	defer fmt.Fprintln(d.streams.ErrOut)
	answer, err := term.ReadPassword(int(file.Fd()))
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	return string(answer), nil
}
