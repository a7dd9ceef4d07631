package k3s

// The scripts run as root by sh. Each can be repeated.
const (
	// stateDir is where bundles are put: /tmp may be mounted noexec.
	stateDir = "/var/lib/integrationctl"

	inspectScript = `
say() { printf '%s=%s\n' "$1" "$2"; }
say os "$(uname -s)"
say arch "$(uname -m)"
if [ -d /run/systemd/system ]; then say init systemd
elif command -v openrc >/dev/null 2>&1; then say init openrc
else say init none; fi
say disk "$(df -Pk /var/lib | awk 'NR == 2 {print int($4 / 1024)}')"
say memory "$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)"
say k3s "$(k3s --version 2>/dev/null | awk 'NR == 1 {print $3}')"
say begun "$(cat /var/lib/integrationctl/k3s-begun 2>/dev/null)"
say done "$(cat /var/lib/integrationctl/k3s-done 2>/dev/null)"
say selinux "$(getenforce 2>/dev/null)"
say curl "$(command -v curl)"
for port in 6443:192B 10250:280A 80:0050 443:01BB; do
	if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk -v p=":${port#*:}" '$4 == "0A" && substr($2, length($2) - 4) == p {f = 1} END {exit !f}'
	then say port "${port%:*}"; fi
done
`

	// putScript writes what it reads to $1, if its checksum is $2, with the mode $3.
	putScript = `
set -eu
mkdir -p "$(dirname "$1")"
cat > "$1.new"
if [ "$(sha256sum "$1.new" | cut -d' ' -f1)" != "$2" ]; then rm -f "$1.new"; echo "$1 arrived with another checksum"; exit 1; fi
chmod "$3" "$1.new"
mv "$1.new" "$1"
`
	// checksumScript prints the checksum of $1, if it exists.
	checksumScript = `if [ -e "$1" ]; then sha256sum "$1" | cut -d' ' -f1; fi`

	// keepForeign ends a script if somebody else has written the file $1.
	keepForeign = `
if [ -e "$1" ] && ! grep -q '^# by integrationctl' "$1"; then echo "kept $1, which integrationctl has not written"; exit 0; fi
`
	// receive writes what the script reads, of $2 bytes, to $1.new, for root alone. A connection that is cut looks like the end of the input.
	receive = `
umask 077
mkdir -p "$(dirname "$1")"
cat > "$1.new"
if [ "$(wc -c < "$1.new")" -ne "$2" ]; then rm -f "$1.new"; echo "$1 arrived incomplete"; exit 1; fi
`
	// service is a shell function: service COMMAND UNIT.
	service = `
service() { if [ -d /run/systemd/system ]; then systemctl "$1" "$2"; else rc-service "$2" "$1"; fi; }
`
	// applyChange puts $1.new in the place of $1, and restarts K3s if it runs and the file has changed. Pods run on. A run that was cut off
	// before the restart leaves $1.applying.
	applyChange = service + `
if [ ! -e "$1.applying" ] && [ -e "$1" ] && [ "$(sha256sum < "$1.new")" = "$(sha256sum < "$1")" ]; then rm "$1.new"; exit 0; fi
touch "$1.applying"
mv "$1.new" "$1"
for unit in k3s k3s-agent; do
	if service status "$unit" >/dev/null 2>&1; then echo "restarting $unit"; service restart "$unit"; fi
done
rm "$1.applying"
`
	// configScript writes a configuration file.
	configScript = "set -eu" + keepForeign + receive + `mv "$1.new" "$1"`
	// registriesScript writes a configuration file that K3s reads when it starts.
	registriesScript = "set -eu" + keepForeign + receive + applyChange
	// tokenScript writes a token.
	tokenScript = "set -eu" + receive + applyChange

	// rotateKeyScript lets K3s make a new token, and restarts the server with it.
	rotateKeyScript = "set -eu" + service + `
k3s token rotate
service restart k3s
`
	// beginScript records that the version $1 is being installed: what is there from now on may be half of it.
	beginScript = `
set -eu
mkdir -p /var/lib/integrationctl
rm -f /var/lib/integrationctl/k3s-done
echo "$1" > /var/lib/integrationctl/k3s-begun
`
	onlineInstallScript = `
set -eu
curl -sfL https://get.k3s.io -o "$1"
INSTALL_K3S_VERSION="$2" sh "$1" "$3"
echo "$2" > /var/lib/integrationctl/k3s-done
`
	bundleInstallScript = `
set -eu
INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_VERSION="$2" sh "$1" "$3"
echo "$2" > /var/lib/integrationctl/k3s-done
`
	joinKeyScript = `cat /var/lib/rancher/k3s/server/node-token 2>/dev/null`

	nodesScript = `k3s kubectl get nodes --no-headers 2>&1 || true`

	// foreignTraefikScript fails if somebody else has configured Traefik.
	foreignTraefikScript = `
if [ -e "$1" ]; then exit 0; fi
if k3s kubectl -n kube-system get helmchartconfig traefik >/dev/null 2>&1; then exit 1; fi
`
	// backupDir holds copies of the datastore with the token, without which it can't be read.
	backupDir = stateDir + "/backups"

	// backupScript copies the datastore before the upgrade to $1. SQLite's files fit together only while K3s is stopped; pods run on. A copy
	// that is there is of the same upgrade, before it.
	backupScript = "set -eu" + service + `
umask 077
from=/var/lib/rancher/k3s/server to=/var/lib/integrationctl/backups
mkdir -p "$to"
if [ -e "$to/before-$1.tar" ]; then echo "kept $to/before-$1.tar"; exit 0; fi
if [ -d "$from/db/etcd" ]; then
	k3s etcd-snapshot save --dir "$to" --name "before-$1"
	tar -C "$from" -cf "$to/before-$1.tar" token
elif [ -e "$from/db/state.db" ]; then
	trap 'service start k3s' EXIT HUP PIPE TERM
	service stop k3s
	tar -C "$from" -cf "$to/before-$1.tar.new" db token
	mv "$to/before-$1.tar.new" "$to/before-$1.tar"
else
	echo "the datastore is on another host: copy it there, with $from/token, before you upgrade"
fi
`
	// kubeletScript prints the certificate of the kubelet, whose name is that of its node.
	kubeletScript = `cat /var/lib/rancher/k3s/agent/client-kubelet.crt 2>/dev/null`

	kubeconfigScript = `cat /etc/rancher/k3s/k3s.yaml 2>/dev/null`

	importScript = `k3s ctr --namespace k8s.io images import -`
	imagesScript = `k3s ctr --namespace k8s.io images ls -q`

	uninstallScript = `
for script in /usr/local/bin/k3s-uninstall.sh /usr/local/bin/k3s-agent-uninstall.sh; do
	if [ -e "$script" ]; then sh "$script"; fi
done
rm -rf /var/lib/integrationctl
`
)
