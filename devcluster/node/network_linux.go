package node

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Interfaces of the link between the node and the world.
const (
	nodeLink  = "world0"
	worldLink = "node0"
)

// setUpNetwork connects the node with the world's network, in which the process pid lives.
func setUpNetwork(pid int) error {
	err := ip(
		"link set lo up",
		"link add "+nodeLink+" type veth peer name "+worldLink+" netns "+strconv.Itoa(pid),
		"addr add "+Address.String()+"/30 dev "+nodeLink,
		"addr add "+nodeIPv6.String()+"/126 dev "+nodeLink+" nodad",
		"link set "+nodeLink+" up",
		"route add default via "+APIServer.String(),
		"route add ::/0 via "+worldIPv6.String(),
	)
	if err != nil {
		return err
	}
	for _, file := range []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"} {
		if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
			return fmt.Errorf("letting the node forward packets: %w", err)
		}
	}
	return queuePackets()
}

// queuePackets sends the first packet of each connection of a pod to networkpolicies, as its own nftables rules do where the kernel has
// NFT_QUEUE. Packets of root on the node pass: those are the kubelet's probes. INPUT has what pods send to the node itself.
func queuePackets() error {
	const established = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
	const toQueue = " -j NFQUEUE --queue-num " + queue
	for program, pods := range map[string]netip.Prefix{"iptables-nft": podCIDR, "ip6tables-nft": podCIDR6} {
		rules := []string{
			"POSTROUTING -m owner --uid-owner 0 -j ACCEPT", "POSTROUTING " + established, "INPUT " + established,
			"POSTROUTING -s " + pods.String() + toQueue, "POSTROUTING -d " + pods.String() + toQueue,
			"INPUT -s " + pods.String() + toQueue,
		}
		if pods.Addr().Is6() { // neighbour discovery
			rules = append([]string{"POSTROUTING -p icmpv6 -j ACCEPT", "INPUT -p icmpv6 -j ACCEPT"}, rules...)
		}
		for _, rule := range rules {
			args := append([]string{"-w", "-t", "mangle", "-A"}, strings.Fields(rule)...)
			if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
				return fmt.Errorf("adding the rule %q with %s: %w: %s", rule, program, err, text)
			}
		}
	}
	return nil
}

// setUpWorld gives the world its addresses, in the network of this process.
func setUpWorld(addresses []netip.Addr) error {
	lines := []string{
		"link set lo up",
		"addr add " + APIServer.String() + "/30 dev " + worldLink,
		"addr add " + worldIPv6.String() + "/126 dev " + worldLink + " nodad",
		"link set " + worldLink + " up",
		"route add default via " + Address.String(),
		"route add ::/0 via " + nodeIPv6.String(),
	}
	for _, address := range addresses {
		line := fmt.Sprintf("addr add %s/%d dev lo", address, address.BitLen())
		if address.Is6() {
			line += " nodad" // it can be used at once
		}
		lines = append(lines, line)
	}
	return ip(lines...)
}

// ip runs the lines of an `ip -batch` in the network of this process.
func ip(lines ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("setting up the network: %w: %s", err, text)
	}
	return nil
}
