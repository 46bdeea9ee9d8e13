// Command ebpf-collector samples the stacks of all processes of a node and streams them to Framekeeper, which gives them names: the
// whole of a profiler but for symbolization. It needs root, or CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE,
// CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE.
//
// A sample's path: sampler.go (BPF takes user and kernel stack by frame pointer) → processes.go (addresses become frames of
// files) → batch.go (tables of one message) → stream.go (one reply a batch, push-back, what the service asks for).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// exitNotAllowed tells that this machine does not let the program use BPF or perf events.
const exitNotAllowed = 3

func main() {
	endpoint := flag.String("endpoint", "localhost:4317", "host:port of the receiver \"frames\", without TLS")
	frequency := flag.Uint64("frequency", 19, "samples a second of each CPU")
	interval := flag.Duration("interval", 2*time.Second, "time between two batches")
	duration := flag.Duration("duration", 0, "end after this time; 0 = never")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *duration)
		defer cancel()
	}
	if err := run(ctx, *endpoint, *frequency, *interval); err != nil {
		log.Print(err)
		if errors.Is(err, os.ErrPermission) || errors.Is(err, errNotAllowed) {
			os.Exit(exitNotAllowed)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint string, frequency uint64, interval time.Duration) error {
	if frequency < 1 || frequency > 1000 {
		return fmt.Errorf("-frequency: %d is not between 1 and 1000", frequency)
	}
	sampler, err := startSampler(frequency)
	if err != nil {
		return err
	}
	defer sampler.Close()
	stream, err := openStream(endpoint)
	if err != nil {
		return err
	}
	defer stream.Close()

	samples := make(chan *sample, 4096)
	go sampler.Read(samples)
	collector := newCollector(frequency)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case s, isOpen := <-samples:
			if !isOpen {
				return errors.New("the ring buffer was closed")
			}
			collector.Add(s)
		case <-tick.C:
			if err := stream.Send(ctx, collector.Batch(sampler.TakeLost())); err != nil {
				return err
			}
			collector.Answer(stream.TakeNeeded())
		case <-ctx.Done():
			// The last batch has a second of its own.
			last, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return stream.Send(last, collector.Batch(sampler.TakeLost()))
		}
	}
}
