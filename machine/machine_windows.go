package machine

import "golang.org/x/sys/windows/registry"

// read returns the MachineGuid.
func read() (system, firmware string) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return "", ""
	}
	defer k.Close()
	system, _, _ = k.GetStringValue("MachineGuid")
	return system, ""
}
