package machine

import "os"

// read returns machine-id(5) and the DMI product UUID.
func read() (system, firmware string) {
	b, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		b, _ = os.ReadFile("/var/lib/dbus/machine-id")
	}
	uuid, _ := os.ReadFile("/sys/class/dmi/id/product_uuid")
	return string(b), string(uuid)
}
