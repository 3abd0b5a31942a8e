// Package wire reads and writes the JSON of the records that every change of
// state passes: events, statuses, alerts, receipts. encoding/json took a fifth
// of the processor time of a change; a Form takes a fraction of that, because
// it looks at a type once and expects a text to be as it writes texts itself.
//
// It promises:
//   - Append writes what json.Marshal writes, byte for byte.
//   - Decode gives what json.Unmarshal gives, whatever the text. A text with
//     anything unusual in it, such as white space, keys in another order or a
//     null, is handed to json.Unmarshal.
//   - A type, or a field, that a Form does not know is left to encoding/json.
//     So a new field needs nothing here.
//
// BenchmarkForm shows what it saves, FuzzDecode and FuzzAppend hold it to the
// first two.
package wire
