package config_test

import (
	"fmt"
	"os"
	"time"

	"dswatch/config"
)

// A program describes its file as a struct with the defaults set, and the
// part that depends on a type as a section.
func Example() {
	type settings struct {
		Hold  time.Duration     `yaml:"hold" doc:"How long a loss must last."`
		Sinks []*config.Section `yaml:"sinks" doc:"Who is told."`
	}
	type chat struct {
		Type    string `yaml:"type" doc:"Kind of the sink."`
		Channel string `yaml:"channel" doc:"Where to post."`
		Token   Secret `yaml:"token" doc:"Token of the bot."`
	}
	s := settings{Hold: 20 * time.Second}
	f, err := config.Parse("example.yaml", []byte("sinks:\n  - {type: chat, channel: ops, token: x}\n"), &s)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Sinks[0].Decode(&chat{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := f.Show(os.Stdout, &s); err != nil {
		fmt.Println(err)
	}

	_, err = config.Parse("example.yaml", []byte("hold: 20\nsink: []\n"), &s)
	fmt.Println(err)

	// Output:
	// hold: 20s
	// sinks:
	//   - type: chat
	//     channel: ops
	//     token: "[redacted]"
	// example.yaml:1:7: hold: "20" has no unit; write 20s, 20m or 20h
	//     1 | hold: 20
	//       |       ^
	// example.yaml:2:1: sink: unknown key; did you mean "sinks"?
	//     2 | sink: []
	//       | ^
}
