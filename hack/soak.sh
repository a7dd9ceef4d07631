#!/usr/bin/env bash
# Runs the endurance stories, then all stories in random order until SOAK seconds (3600) are over, at least once.
set -euo pipefail
cd "$(dirname "$0")/.."
race=$(hack/race.sh)
SECONDS=0
story() {
	echo "--- $*"
	go test ./e2e -count=1 -timeout=60m "$@"
}
story -v -run='^TestEveryDeliveryHasItsEffectOnce$' -deliveries="${DELIVERIES:-10000}" -kills="${KILLS:-40}"
story -v -run='^TestKilledAtEveryWrite$' -every-cut
story -v -run='^TestLeaderKilled$' -leader-kills=10 -every-lease
story -v -run='^(TestAPIServerDown|TestEtcdDown|TestFaultsOfTheAPIServer)$' -outage=1m -stale=30s -patience=10m
story -v -run='^TestMemoryLimit$' -heavy=300
# shellcheck disable=SC2086 # $race may be empty
while story $race -shuffle=on; do
	[ $SECONDS -lt "${SOAK:-3600}" ] || exit 0
done
exit 1
