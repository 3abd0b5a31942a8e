package browser

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCard renders the cards that a teams sink sends with Microsoft's own
// renderer, as wide as Teams shows them on a phone and in a channel: every text
// is whole, and nothing stands out.
func TestCard(t *testing.T) {
	files, err := filepath.Glob("../../sinks/teams/testdata/*.txt")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d cards, %v", len(files), err)
	}
	var card []byte // that is shown
	width := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/renderer.js" {
			http.ServeFile(w, r, "testdata/adaptivecards.min.js")
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><body style="margin:8px"><main id="card" style="width:%dpx"></main><script src="/renderer.js"></script><script>
// As Markdown has it, a backslash takes the meaning from a mark. Nothing else of it is in our texts.
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = text.replace(/\\([^\w\s])/g, '$1').replace(/&/g, '&amp;').replace(/</g, '&lt;');
  result.didProcess = true;
};
const card = new AdaptiveCards.AdaptiveCard();
card.hostConfig = new AdaptiveCards.HostConfig({fontFamily: 'sans-serif'});
card.parse((%s).attachments[0].content);
document.getElementById('card').appendChild(card.render());
</script>`, width, bytes.ReplaceAll(card, []byte("<"), []byte(`\u003c`)))
	}))
	t.Cleanup(srv.Close)
	b := open(t, &world{t: t, url: srv.URL})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(text, []byte("\n{"))
		if at < 0 {
			t.Fatalf("%s has no card", file)
		}
		card = text[at:]
		_, texts, _ := strings.Cut(string(text[:at]), "\n\n") // what a reader is to see, behind style and fallback
		for _, width = range []int{300, 480} {
			name := fmt.Sprintf("card-%s-%d", strings.TrimSuffix(filepath.Base(file), ".txt"), width)
			b.do(b.size(int64(width)+16, 900))
			b.visit("/")
			b.shoot(name)
			shown := squeeze(b.text("#card"))
			if next, state := strings.Index(shown, "Nextstep")+strings.Index(shown, "次の対応"), strings.Index(shown, "Severity")+strings.Index(shown, "重大度"); next > state {
				t.Errorf("%s: the next step stands behind the state: %s", name, shown)
			}
			for line := range strings.Lines(texts) {
				label, value, isFact := strings.Cut(strings.TrimSpace(line), ": ")
				for _, want := range []string{label, value} {
					if !isFact {
						want = strings.TrimSpace(line)
					}
					if !strings.Contains(shown, squeeze(want)) {
						t.Errorf("%s does not show %q", name, want)
					}
				}
			}
			for _, wide := range eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll('#card, #card *')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 || e.getBoundingClientRect().right > %d).map(e => e.className + ': ' + e.innerText)`, width+9)) {
				t.Errorf("%s: it does not fit: %s", name, wide)
			}
		}
	}
	b.clean()
}

// squeeze takes out blanks, at which a line may break.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
