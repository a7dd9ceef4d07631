# What the stand-in of K3s finds on a host.
mkdir -p "$m/run/systemd/system" "$m/etc/rancher"
cp "$files/kubeconfig" "$m/cluster-kubeconfig"
rm -f "$m/usr/local/bin/k3s"
