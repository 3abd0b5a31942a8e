// Package bus carries bytes between the parts of dswatch and keeps them on
// disk: streams of messages with durable consumers, and buckets of keys with
// compare-and-set. It is NATS JetStream, either as a server inside the process
// without any open port, or an external server or cluster; the difference is
// one setting.
//
// It promises:
//   - Publish and PutAll return nil only when the server has stored every
//     message. What was acknowledged survives the death of the process
//     (kill -9) in every sync mode.
//   - A message with an ID is stored once within the stream's window (two
//     minutes for events, ten for the outbox).
//   - A message is delivered to each durable consumer until it is settled. One
//     that was handed out when its process died comes again within AckWait,
//     five seconds unless set. A message that is held longer than AckWait is
//     kept for its holder; it is not handed out a second time to this process.
//   - Streams and buckets exist after Open as this version wants them, or Open
//     says which setting differs and what to do.
//   - Two processes never open one directory; the second is told who has it.
//   - When the disk is nearly full, publishing fails with ErrNoSpace and works
//     again by itself once there is space.
//   - What fails is mended in the process once its cause is gone: a write that
//     failed, a directory, stream, bucket or consumer that was removed, a
//     connection that was closed, a login that was refused. Until then what is
//     published fails at once and says why. Whoever holds in memory what was
//     lost is told, see Options.MadeAnew and ErrMadeAnew.
//
// It does not promise:
//   - exactly-once: an acknowledgement is not confirmed to the caller and can
//     be lost when the process is killed; the message then comes again;
//   - order among messages that were handed back with Nak;
//   - that the last moments before a power loss survive, unless `sync: always`
//     is set: up to `sync` of messages, bucket entries and acknowledgements
//     are gone or back to an older value, each stream and bucket by itself.
//     Whoever uses the bus reconciles at start;
//   - that a read from a bucket in a cluster sees a write of another process
//     that has not returned yet.
//
// It knows nothing about events, alerts or hosts and imports nothing else of
// dswatch. It is the only importer of NATS.
package bus
