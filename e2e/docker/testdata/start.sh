# Starts the Docker engine of a host.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
dockerd > /var/log/dockerd.log 2>&1 &
until [ -e /run/docker.sock ]; do
	kill -0 $! || { cat /var/log/dockerd.log >&2; exit 1; }
	sleep 0.05
done
