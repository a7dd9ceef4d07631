# A host: a root of its own above this machine's, and sshd in it. What is written stays in the overlay and ends with this process.
# prepare.sh of the files adds to it: it knows the root as $m, and the files as $files. start.sh runs on the host.
# host.sh ROOT SSHD-FILES FILES ADDRESS PORT DISK GATEWAY
set -eu
root=$1 sshd=$2 files=$3 address=$4 port=$5 disk=$6 gateway=$7
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/merged"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/merged"
m=$root/merged
mount --rbind /dev "$m/dev"
mount -t proc proc "$m/proc"
mkdir -p "$m/run/sshd" "$m/root-ops/.ssh" "$m/var/lib"
mount -t tmpfs -o "size=$disk" tmpfs "$m/var/lib"
if [ -n "$gateway" ]; then # the network is the host's own
	until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
	ip link set lo up
	ip address add "$address/30" dev eth0
	ip link set eth0 up
	ip route add default via "$gateway"
fi
if [ -e "$files/prepare.sh" ]; then . "$files/prepare.sh"; fi
mkdir -p "$m/usr/local/sbin"
cp "$sshd/usr/sbin/sshd" "$m/usr/sbin/sshd"
cp "$sshd/bin/tcsh" "$sshd/usr/bin/fish" "$m/bin/"
find "$sshd" '(' -name 'libwrap.so*' -o -name 'libpcre2-32.so*' ')' -exec cp -P {} "$m/usr/lib/" ';'
echo 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >> "$m/etc/passwd"
echo 'ops:x:0:0::/root-ops:/bin/sh' >> "$m/etc/passwd"
cp "$files/authorized_keys" "$m/root-ops/.ssh/authorized_keys"
chmod -R go= "$m/root-ops"
cp "$files"/host_* "$m/etc/"
cat > "$m/etc/sshd_config" <<CONFIG
ListenAddress $address:$port
HostKey /etc/host_ed25519
HostKey /etc/host_rsa
PermitRootLogin yes
PasswordAuthentication no
MaxAuthTries 20
CONFIG
if [ -e "$files/forced" ]; then
	cp "$files/forced" "$m/usr/local/sbin/forced"
	echo 'ForceCommand exec /usr/local/sbin/forced' >> "$m/etc/sshd_config"
fi
chmod 600 "$m"/etc/host_*
if [ -e "$files/start.sh" ]; then cp "$files/start.sh" "$m/start.sh"; fi
# The root of the namespace itself, not only of these programs: containers are entered by it.
mkdir "$m/machine"
cd "$m"
pivot_root . machine
exec chroot . sh -euc '
	umount -l /machine
	if [ -e /start.sh ]; then . /start.sh; fi
	exec /usr/sbin/sshd -D -e -f /etc/sshd_config
' < /dev/null
