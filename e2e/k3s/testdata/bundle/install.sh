#!/bin/sh
# Stands in for K3s' installer: it starts nothing, and writes what the real one leaves.
set -eu
[ "$INSTALL_K3S_SKIP_DOWNLOAD" = true ]
echo "install $INSTALL_K3S_VERSION $1" >> /asked
grep -q '^# by integrationctl' /etc/rancher/k3s/config.yaml
if [ "$1" = agent ]; then
	token=$(awk '/^token-file:/ {print $2}' /etc/rancher/k3s/config.yaml)
	[ "$(cat "$token")" = K10secret::server:token ]
	printf '#!/bin/sh\necho uninstall >> /asked\n' > /usr/local/bin/k3s-agent-uninstall.sh
	exit 0
fi
mkdir -p /var/lib/rancher/k3s/server/db
echo sqlite > /var/lib/rancher/k3s/server/db/state.db
echo K10secret > /var/lib/rancher/k3s/server/token
echo K10secret::server:token > /var/lib/rancher/k3s/server/node-token
if [ -p /node-wanted ]; then # K3s is a real node
	echo start > /node-wanted
	cat /node-started > /cluster-kubeconfig
	[ -s /cluster-kubeconfig ]
	echo node > /node-name
fi
cp /cluster-kubeconfig /etc/rancher/k3s/k3s.yaml
printf '#!/bin/sh\necho uninstall >> /asked\nrm -rf /usr/local/bin/k3s /etc/rancher/k3s /started\n' > /usr/local/bin/k3s-uninstall.sh
touch /started
echo "[INFO]  systemd: Starting k3s"
