package vsphere

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"dswatch/detector"
	"dswatch/detector/trust"
	"dswatch/setting"
	"dswatch/words"
)

// MaxAnswer bounds one answer in bytes. The modules of a host are 200 KB,
// the names of 2,000 hosts 1 MB.
const MaxAnswer = 8 << 20

// client asks one server.
type client struct {
	config  Config
	base    *url.URL
	http    http.RoundTripper
	idle    func()
	soap    *vim25.Client // nil until the first login, and after a lost session
	session *session.Manager
	again   setting.Again // reads the password; nil where it stands in the configuration
}

func newClient(c Config) (*client, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	conf, err := trust.TLS(c.CAFile, c.Fingerprint)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		TLSClientConfig: conf, Proxy: http.ProxyFromEnvironment, MaxIdleConns: 4, IdleConnTimeout: 2 * time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	return &client{config: c, base: base, http: bounded{t}, idle: t.CloseIdleConnections}, nil
}

// bounded reads at most MaxAnswer bytes of an answer, and refuses one that is
// no SOAP: a redirect or a page of some other server.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if kind := resp.Header.Get("Content-Type"); !strings.Contains(kind, "xml") {
		resp.Body.Close()
		return nil, words.Fail(words.VSphereNoXML.With(resp.StatusCode, errors.New(strconv.Quote(clean(kind)))))
	}
	resp.Body = &limited{resp.Body, MaxAnswer}
	return resp, nil
}

type limited struct {
	io.ReadCloser
	left int
}

var errLong = words.Fail(words.VSphereTooLong.With(MaxAnswer))

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLong
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// login takes the session up again, or logs in.
func (c *client) login(ctx context.Context) error {
	if c.soap != nil {
		if active, err := c.session.UserSession(ctx); err == nil && active != nil {
			return nil
		}
		c.soap = nil
	}
	sc := soap.NewClient(c.base, false)
	sc.Client.Transport = c.http
	sc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sc.UserAgent = "dswatch"
	vc, err := vim25.NewClient(ctx, sc)
	if err != nil {
		return c.explain(ctx, err)
	}
	m := session.NewManager(vc)
	err = m.Login(ctx, url.UserPassword(c.config.User, c.config.Password.Reveal()))
	if refused(err) && c.renew() {
		err = m.Login(ctx, url.UserPassword(c.config.User, c.config.Password.Reveal()))
	}
	switch {
	case refused(err):
		if c.again != nil {
			return words.Fail(words.VSphereRefusedFile.With(c.config.User))
		}
		return words.Fail(words.VSphereRefused.With(c.config.User))
	case err != nil:
		return c.explain(ctx, err)
	}
	c.soap, c.session = vc, m
	return nil
}

// refused reports whether err is about user or password.
func refused(err error) bool {
	if err == nil || !soap.IsSoapFault(err) {
		return false
	}
	_, is := soap.ToSoapFault(err).VimFault().(types.InvalidLogin)
	return is
}

// renew reads the password again, and reports whether it is another one.
func (c *client) renew() bool {
	if c.again == nil {
		return false
	}
	p, err := c.again()
	if err != nil || p == "" || p == c.config.Password {
		return false
	}
	c.config.Password = p
	return true
}

// logout ends the session.
func (c *client) logout(ctx context.Context) {
	if c.soap != nil {
		_ = c.session.Logout(ctx) // it ends by itself after half an hour
		c.soap = nil
	}
	c.idle()
}

// host is one host of the inventory.
type host struct {
	name      string
	modules   *types.ManagedObjectReference
	connected bool
	state     string
	resting   bool // in maintenance mode
}

// list returns every host of the inventory.
func (c *client) list(ctx context.Context) ([]host, error) {
	v, err := view.NewManager(c.soap).CreateContainerView(ctx, c.soap.ServiceContent.RootFolder, []string{"HostSystem"}, true)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	defer func() { _ = v.Destroy(ctx) }()
	var found []mo.HostSystem
	if err := v.Retrieve(ctx, []string{"HostSystem"}, []string{"name", "runtime.connectionState", "runtime.inMaintenanceMode", "configManager.kernelModuleSystem"}, &found); err != nil {
		return nil, c.explain(ctx, err)
	}
	var out []host
	for _, h := range found {
		state := h.Runtime.ConnectionState
		out = append(out, host{h.Name, h.ConfigManager.KernelModuleSystem, state == types.HostSystemConnectionStateConnected, string(state), h.Runtime.InMaintenanceMode})
	}
	return out, nil
}

// modules returns the kernel modules of a host.
func (c *client) modules(ctx context.Context, of types.ManagedObjectReference) ([]types.KernelModuleInfo, error) {
	res, err := methods.QueryModules(ctx, c.soap, &types.QueryModules{This: of})
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return res.Returnval, nil
}

// explain ends with what to do, and never holds the password.
func (c *client) explain(ctx context.Context, err error) error {
	if why := trust.Explain(err, "server"); why != nil {
		return why
	}
	if ctx.Err() != nil {
		return words.Fail(words.VSphereLate.With())
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which everybody knows
	}
	if soap.IsSoapFault(err) {
		switch soap.ToSoapFault(err).VimFault().(type) {
		case types.NoPermission:
			return words.Fail(words.VSphereMayNot.With(c.config.User))
		case types.NotAuthenticated:
			return words.Fail(words.VSphereSession.With())
		}
	}
	return words.Fail(words.VSphereError.With(errors.New(clean(c.config.Password.Out(err.Error())))))
}

// clean makes text from the server short, one line, and harmless.
func clean(s string) string { return detector.Printable(s, 200) }
