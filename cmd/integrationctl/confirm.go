package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// confirmed asks, and accepts "y" and "yes". An interrupt is a no.
func confirmed(ctx context.Context, streams genericiooptions.IOStreams, question string) bool {
	answer := strings.ToLower(ask(ctx, streams, question+" [y/N] "))
	return answer == "y" || answer == "yes"
}

// ask returns the answer to a question, or "" if there is none.
func ask(ctx context.Context, streams genericiooptions.IOStreams, question string) string {
	fmt.Fprint(streams.ErrOut, question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(streams.In).ReadString('\n') // the end of input is a no
		answer <- strings.TrimSpace(line)
	}()
	select {
	case text := <-answer:
		return text
	case <-ctx.Done():
		return ""
	}
}
