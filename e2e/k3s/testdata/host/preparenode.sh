# What the stand-in of K3s finds on a host with a real node: the node's directory, a client of its containerd, and two pipes to have it
# started.
mkdir -p "$m/run/systemd/system" "$m/etc/rancher" "$m/node" "$m/usr/local/sbin"
mount --bind "$(cat "$files/node")" "$m/node"
cp "$files/ctr" "$m/usr/local/sbin/ctr"
mkfifo "$m/node-wanted" "$m/node-started"
rm -f "$m/usr/local/bin/k3s"
