package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/table"
	"dswatch/words"
)

// CatalogQuery is what `dswatch catalog` was asked.
type CatalogQuery struct {
	Facts    event.Facts // of the host that a file describes
	Declared bool        // there is such a file; else this host counts
	JSON     bool
	All      bool // also the rows that are not expected
	Language string
	Form     table.Form
}

// WriteCatalog writes every row of the list with whether it is expected.
func WriteCatalog(ctx context.Context, l *Loaded, w io.Writer, q CatalogQuery, log *slog.Logger) error {
	var known event.Facts
	if q.Declared {
		known = q.Facts
	} else {
		process, problem := askProcess(ctx, l)
		if problem != nil {
			log.Warn("the running dswatch was not asked what it knows", "error", problem)
		}
		looked, err := look(ctx, l, process, log)
		if err != nil {
			return err
		}
		known = looked.facts[event.Token(l.Config.Host)]
	}
	if q.JSON {
		return l.Catalog.WriteJSON(w, known, q.Language)
	}
	// What is declared by the file needs no line: the reasons name it.
	var b strings.Builder
	if !q.Declared {
		fmt.Fprintf(&b, "%s\n", l.Config.Host)
		writeFacts(&b, known, words.In(q.Language, l.Config.Location()), q.Form)
		b.WriteByte('\n')
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return l.Catalog.WriteTable(w, known, catalog.Shown{Language: q.Language, All: q.All, Form: q.Form})
}
