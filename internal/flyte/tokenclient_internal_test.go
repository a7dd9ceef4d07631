package flyte

import "testing"

func TestCheckAddress_RefusesMetadataServices(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"192.0.2.7:443": true, "10.0.0.1:443": true, "[2001:db8::1]:443": true, "127.0.0.1:443": true,
		"169.254.169.254:443": false, "[::ffff:169.254.169.254]:443": false, "[fe80::1%eth0]:443": false, "0.0.0.0:443": false,
		"[fd00:ec2::254]:443": false, "[fd00:ec2::254%eth0]:443": false, "[fd20:ce::254]:443": false, "168.63.129.16:443": false,
		"100.100.100.200:443": false, "192.0.0.192:443": false, "name:443": false,
	} {
		if err := checkAddress("https")("tcp", address, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if checkAddress("http")("tcp", "192.0.2.7:80", nil) == nil || checkAddress("http")("tcp", "127.0.0.1:80", nil) != nil {
		t.Error("http must be allowed on the loopback interface alone")
	}
}
