# The files of Debian's Docker engine. Its registry is the test.
mkdir "$root/usr" "$root/usr-work"
mount -t overlay overlay -o "lowerdir=$(cat "$files/engine")/usr:/usr,upperdir=$root/usr,workdir=$root/usr-work" "$m/usr"
mount --rbind /sys "$m/sys"
mount -t tmpfs tmpfs "$m/run"
mkdir "$m/run/sshd"
for program in iptables ip6tables; do ln -sf "$program-nft" "$m/usr/sbin/$program"; done
mkdir -p "$m/etc/docker"
cat > "$m/etc/docker/daemon.json" <<CONFIG
{"hosts": ["unix:///run/docker.sock"], "storage-driver": "overlay2", "cgroup-parent": "$(cat "$files/cgroup")", "oom-score-adjust": 0,
 "insecure-registries": ["$gateway/32"]}
CONFIG
