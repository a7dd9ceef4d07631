# A host: a root of its own above this machine's, and sshd in it. What is written stays in the overlay and ends with this process.
# host.sh ROOT SSHD-FILES STANDINS ADDRESS PORT DISK
set -eu
root=$1 sshd=$2 standins=$3 address=$4 port=$5 disk=$6
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/merged"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/merged"
m=$root/merged
mount --rbind /dev "$m/dev"
mount -t proc proc "$m/proc"
mkdir -p "$m/run/sshd" "$m/run/systemd/system" "$m/etc/rancher" "$m/root-ops/.ssh" "$m/usr/local/sbin"
cp "$sshd/usr/sbin/sshd" "$m/usr/sbin/sshd"
find "$sshd" -name 'libwrap.so*' -exec cp -P {} "$m/usr/lib/" ';'
echo 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >> "$m/etc/passwd"
echo 'ops:x:0:0::/root-ops:/bin/sh' >> "$m/etc/passwd"
cp "$standins"/authorized_keys "$m/root-ops/.ssh/authorized_keys"
chmod -R go= "$m/root-ops"
cp "$standins"/host_* "$m/etc/"
cp "$standins"/bin/* "$m/usr/local/sbin/"
cp "$standins"/kubeconfig "$m/cluster-kubeconfig"
mkdir -p "$m/var/lib"
mount -t tmpfs -o "size=$disk" tmpfs "$m/var/lib"
rm -f "$m/usr/local/bin/k3s"
cat > "$m/etc/sshd_config" <<CONFIG
ListenAddress $address:$port
HostKey /etc/host_ed25519
HostKey /etc/host_rsa
PermitRootLogin yes
PasswordAuthentication no
ForceCommand exec /usr/local/sbin/forced
MaxAuthTries 20
CONFIG
chmod 600 "$m"/etc/host_*
exec chroot "$m" /usr/sbin/sshd -D -e -f /etc/sshd_config
