// Package rollout reads how far the roll-out of a Deployment is: its replicas, its pods as kubectl shows them, and its revisions.
package rollout
