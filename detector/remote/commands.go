package remote

import "dswatch/event"

// Every command that is ever run. The words are the same in each shell that a
// user may have (sh, csh, BusyBox), and the same in every language.
const (
	solaris = "env LC_ALL=C PATH=/usr/bin:/usr/sbin "
	aix     = "env LC_ALL=C PATH=/usr/bin:/usr/sbin "
	linux   = "env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "

	solarisModules  = solaris + "modinfo"
	solarisPS       = solaris + "ps -A -o pid=PID -o ppid=PPID -o user=USER -o zone=ZONE -o s=S -o fname=NAME -o args=ARGS"
	solarisZone     = solaris + "zonename"
	solarisServices = solaris + "svcs -a"
	solarisPorts    = solaris + "netstat -an -f inet"
	solarisPorts6   = solaris + "netstat -an -f inet6"
	solarisPackage  = solaris + "pkginfo -l ds-agent"
	solarisPackage5 = solaris + "pkg info -l ds-agent"

	aixPS      = aix + "ps -A -o pid=PID -o ppid=PPID -o user=USER -o comm=NAME -o args=ARGS"
	aixPorts   = aix + "netstat -an"
	aixPackage = aix + "lslpp -Lqc ds_agent.rte"

	linuxModules = linux + "cat /proc/modules"
	linuxPS      = linux + "ps -A -ww -o pid=PID -o ppid=PPID -o user=USER -o s=S -o comm=NAME -o args=ARGS"
	linuxNested  = linux + "grep -sE '^NSpid:.*[0-9][^0-9]+[0-9]' /proc/1/status /proc/[0-9]*/status || echo end"
	linuxPorts   = linux + "ss -ltn"
	linuxPorts2  = linux + "netstat -ltn"
	linuxProgram = linux + "ls -ldL /opt/ds_agent/ds_agent"
	linuxKernel  = linux + "uname -r"
	linuxPackage = linux + `rpm -q --qf '%{INSTALLTIME} %{VERSION}-%{RELEASE}\n' ds_agent`
	linuxDeb     = linux + `dpkg-query -W -f '${db:Status-Status} ${Version}\n' ds-agent`

	esxiModules = "vmkload_mod -l"
	esxiPackage = "esxcli software vib list"
)

// system is how one operating system is asked.
type system struct {
	env   string // with which its commands begin
	kinds map[event.Kind]ask
	facts []factCommand
	name  int  // process names of this length or longer may be cut
	sep   byte // between address and port
}

// ask reads everything of one kind.
type ask func(run runner, s system) (sight, error)

// runner runs one command and returns what it printed.
type runner func(command string) ([]byte, error)

// systems are the operating systems that can be looked at, with the kinds
// that a command shows.
var systems = map[string]system{
	event.Solaris: {
		env:  solaris,
		name: 8, // ps(1): fname is the first 8 bytes of the executable's name
		sep:  '.',
		kinds: map[event.Kind]ask{
			event.Driver: modules(solarisModules, parseModinfo), event.Process: zoned, event.Service: services, event.Port: solarisListeners,
		},
		facts: []factCommand{
			{event.AgentVersion, solarisPackage, "pkginfo ds-agent", parsePkginfo}, {event.AgentVersion, solarisPackage5, "pkg ds-agent", parsePkg},
		},
	},
	event.AIX: {
		env:   aix,
		name:  8, // as short as any AIX shows it
		sep:   '.',
		kinds: map[event.Kind]ask{event.Process: processes(aixPS), event.Port: listeners(aixPorts)},
		facts: []factCommand{{event.AgentVersion, aixPackage, "lslpp ds_agent.rte", parseLslpp}},
	},
	event.Linux: {
		env:  linux,
		name: 15, // TASK_COMM_LEN - 1
		sep:  ':',
		kinds: map[event.Kind]ask{
			event.Driver: modules(linuxModules, parseProcModules), event.Process: apart(linuxPS, linuxNested), event.Port: listeners(linuxPorts, linuxPorts2),
		},
		facts: []factCommand{
			{event.KernelVersion, linuxKernel, "uname -r", parseUname},
			{event.AgentVersion, linuxPackage, "rpm ds_agent", parseRPM}, {event.AgentVersion, linuxDeb, "dpkg ds-agent", parseDpkg},
		},
	},
	event.ESXi: {
		kinds: map[event.Kind]ask{event.Driver: modules(esxiModules, parseVmkload)},
		facts: []factCommand{{event.ApplianceVersion, esxiPackage, "esxcli software vib list", parseVib}},
	},
}
