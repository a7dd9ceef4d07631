#!/usr/bin/env bash
# Runs the endurance tests, then all end-to-end tests in random order until SOAK seconds (3600) are over, at least once.
set -euo pipefail
cd "$(dirname "$0")/.."
race=$(hack/race.sh)
SECONDS=0
e2e() {
	echo "--- $*"
	go test -count=1 -timeout=60m "$@"
}
e2e ./e2e/crash -v -run='^TestEveryDeliveryHasItsEffectOnce$' -deliveries="${DELIVERIES:-10000}" -kills="${KILLS:-40}"
e2e ./e2e/crash -v -run='^TestKilledAtEveryWrite$' -every-cut
e2e ./e2e/crash -v -run='^TestLeaderKilled$' -leader-kills=10
e2e ./e2e/fault -v -run='^(TestAPIServerDown|TestEtcdDown)$' -outage=1m -patience=10m
e2e ./e2e/scale -v -run='^TestMemoryLimit$' -heavy=300
# shellcheck disable=SC2086 # $race may be empty
while e2e $race -shuffle=on ./e2e/life ./e2e/crash ./e2e/fault ./e2e/scale; do
	[ $SECONDS -lt "${SOAK:-3600}" ] || exit 0
done
exit 1
