// Command frames-sender sends batches of raw frame samples over one gRPC stream, encoded by Go's protobuf at each batch,
// and prints what the service accepted of them as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	pb "framekeeper.invalid/ebpf-collector/framespb"
)

// Batches that may wait for their replies.
const mostUnanswered = 8

func main() {
	endpoint := flag.String("endpoint", "", "host:port of the service")
	namesFile := flag.String("names", "", "an encoded Batch that is sent first, once")
	batchFile := flag.String("batch", "", "an encoded Batch that is sent again and again, its samples at the time of sending")
	rate := flag.Float64("rate", 0, "samples a second; 0 for as many as the service takes")
	duration := flag.Duration("duration", 10*time.Second, "time of sending")
	freshStacks := flag.Bool("fresh-stacks", false, "other stacks of the same frames in each batch")
	flag.Parse()
	if err := run(*endpoint, readBatch(*namesFile), readBatch(*batchFile), *rate, *duration, *freshStacks); err != nil {
		log.Fatal(err)
	}
}

func readBatch(file string) *pb.Batch {
	bytes, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	batch := &pb.Batch{}
	if err := proto.Unmarshal(bytes, batch); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	return batch
}

type outcome struct {
	Batches  uint64 `json:"batches"`
	Accepted uint64 `json:"accepted"`
	Rejected uint64 `json:"rejected"`
	// Seconds from the first batch to the last reply.
	Seconds float64 `json:"seconds"`
	// The first reason why a sample was rejected.
	Reason string `json:"reason"`
}

func run(endpoint string, names, batch *pb.Batch, rate float64, duration time.Duration, freshStacks bool) error {
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	stream, err := pb.NewFramesServiceClient(connection).Stream(context.Background())
	if err != nil {
		return err
	}
	if err := stream.Send(names); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	var result outcome
	free := make(chan struct{}, mostUnanswered)
	done := make(chan error, 1)
	go func() { done <- receive(stream, &result, free) }()
	start := time.Now()
	for time.Since(start) < duration {
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(float64(result.Batches) * float64(len(batch.Samples)) / rate * 1e9))))
		}
		result.Batches++
		renew(batch, names.Sequence+result.Batches, freshStacks)
		free <- struct{}{}
		if err := stream.Send(batch); err != nil {
			return <-done
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	result.Seconds = time.Since(start).Seconds()
	return json.NewEncoder(os.Stdout).Encode(result)
}

func receive(stream grpc.BidiStreamingClient[pb.Batch, pb.BatchReply], result *outcome, free <-chan struct{}) error {
	for {
		reply, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		<-free
		result.Accepted += uint64(reply.AcceptedSamples)
		result.Rejected += uint64(reply.RejectedSamples)
		if result.Reason == "" && len(reply.Rejections) > 0 {
			result.Reason = reply.Rejections[0].Path + ": " + reply.Rejections[0].Reason
		}
	}
}

func renew(batch *pb.Batch, sequence uint64, freshStacks bool) {
	batch.Sequence = sequence
	now := uint64(time.Now().UnixNano())
	for _, sample := range batch.Samples {
		for i := range sample.Timestamps {
			sample.Timestamps[i] = now - rand.Uint64N(100_000_000)
		}
	}
	if !freshStacks {
		return
	}
	for _, stack := range batch.Stacks {
		for i := range stack.Frames {
			stack.Frames[i] = 1 + rand.Uint32N(uint32(len(batch.Frames)))
		}
	}
}
