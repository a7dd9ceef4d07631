#!/bin/sh
# Runs the program, and keeps what it prints.
integrationctl.real "$@" > "$PRINTED.out" 2> "$PRINTED.err"
code=$?
cat "$PRINTED.out" "$PRINTED.err" >> "$PRINTED"
cat "$PRINTED.out"
cat "$PRINTED.err" >&2
exit $code
