package demo

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Pretend is the hidden command that the pretend processes run.
const Pretend = "pretend"

// pretender starts and ends the pretend agent's processes.
type pretender struct {
	dir     string
	self    string
	running map[string][]*running
}

type running struct {
	cmd   *exec.Cmd
	stdin io.Closer // closing it ends the process
}

func newPretender(dir string) (*pretender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file: %w", err)
	}
	return &pretender{dir: dir, self: self, running: map[string][]*running{}}, nil
}

// start runs one more process of this name. The kernel takes a process's
// name from the path that was executed, so a link is enough.
func (p *pretender) start(name string, args ...string) (address string, err error) {
	link := filepath.Join(p.dir, name)
	if err := os.Symlink(p.self, link); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("name a pretend process: %w", err)
	}
	cmd := exec.Command(link, append([]string{Pretend}, args...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start pretend process %s: %w", name, err)
	}
	p.running[name] = append(p.running[name], &running{cmd, stdin})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("start pretend process %s: it ended at once", name)
	}
	return line[:len(line)-1], nil
}

// kill ends the newest process of this name the hard way.
func (p *pretender) kill(name string) {
	list := p.running[name]
	last := list[len(list)-1]
	p.running[name] = slices.Delete(list, len(list)-1, len(list))
	_ = last.cmd.Process.Kill()
	_ = last.cmd.Wait() // killed: the error says so
	_ = last.stdin.Close()
}

func (p *pretender) killAll() {
	for name := range p.running {
		for len(p.running[name]) > 0 {
			p.kill(name)
		}
	}
}

// RunPretend is a pretend process: it prints "ready", or the address it
// listens on, and ends when its standard input does, which is when the demo
// ends, however that ends.
func RunPretend(listen string) error {
	if listen == "" {
		fmt.Println("ready")
	} else {
		l, err := listenTLS(listen)
		if err != nil {
			return err
		}
		defer l.Close()
		fmt.Println(l.Addr())
		go serve(l)
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// listenTLS listens with a self-signed certificate and asks for one of the
// client, as an agent does. Where the port is taken or not permitted, it
// takes any other.
func listenTLS(address string) (net.Listener, error) {
	cert, err := selfSigned()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	l, err := tls.Listen("tcp", address, c)
	if err != nil {
		l, err = tls.Listen("tcp", "127.0.0.1:0", c)
	}
	return l, err
}

func serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_ = c.(*tls.Conn).Handshake() // nobody should connect; who does learns nothing
		_ = c.Close()
	}
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dswatch demo"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// portOf returns the port of an address.
func portOf(address string) int {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(p)
	return n
}
