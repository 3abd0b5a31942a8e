package rules

import (
	"fmt"

	"dswatch/event"
)

// Component is that of the items that stand for dswatch itself.
const Component = "dswatch"

// A host whose dswatch tells nothing any more is an item of kind host. What
// was last seen there stays as it was; see Settings.Silent.

func silentHeadline(a *event.Alert, ja bool) string {
	over, listed := a.Transition == event.Cleared, a.State != event.Unknown
	switch {
	case over && listed && ja:
		return "dswatch からの報告が再開しました"
	case over && listed:
		return "its dswatch reports again"
	case over && ja:
		return "dswatch からの報告は監視の対象ではなくなりました"
	case over:
		return "its silence is no longer watched"
	case ja:
		return "dswatch からの報告が途絶えています"
	}
	return "nothing is heard from its dswatch"
}

func (s *Set) silentText(ja bool) string {
	if ja {
		return fmt.Sprintf("このホストの dswatch から %s 以上報告がなく、監視対象の現在の状態が分かりません。ホストの停止、通信の断絶、または dswatch の停止が考えられます。最後に確認した状態はそのまま残します。", s.Silent)
	}
	return fmt.Sprintf("Its dswatch has reported nothing for %s or longer, so nobody knows how the items of this host are now. The host may be down or cut off, or its dswatch may have stopped. What was last seen stays as it was.", s.Silent)
}
