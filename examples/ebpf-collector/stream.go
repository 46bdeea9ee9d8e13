package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "framekeeper.invalid/ebpf-collector/framespb"
)

// stream sends one batch at a time and waits for its reply; it opens anew after a failure.
type stream struct {
	connection *grpc.ClientConn
	frames     grpc.BidiStreamingClient[pb.Batch, pb.BatchReply]
	sequence   uint64
	needed     []fileID
}

func openStream(endpoint string) (*stream, error) {
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("-endpoint %s: %w", endpoint, err)
	}
	return &stream{connection: connection}, nil
}

// Send sends a batch until the service has it, or ctx ends. While it cannot, the ring buffer and then the kernel drop samples.
func (s *stream) Send(ctx context.Context, batch *pb.Batch) error {
	s.sequence++
	batch.Sequence = s.sequence
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		reply, err := s.exchange(batch)
		if err == nil {
			s.take(reply)
			// Asked for while the service is short of room.
			return sleep(ctx, time.Duration(reply.RetryDelayMs)*time.Millisecond)
		}
		s.frames = nil
		delay, isWorthAnother := retryDelay(err, pause)
		if !isWorthAnother {
			log.Printf("batch %d is dropped: %v", s.sequence, err)
			return nil
		}
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

func (s *stream) exchange(batch *pb.Batch) (*pb.BatchReply, error) {
	if s.frames == nil {
		frames, err := pb.NewFramesServiceClient(s.connection).Stream(context.Background())
		if err != nil {
			return nil, err
		}
		s.frames = frames
	}
	// The reply tells why a batch could not be sent.
	_ = s.frames.Send(batch)
	return s.frames.Recv()
}

// take logs what was not accepted, and keeps the files that the service asks for.
func (s *stream) take(reply *pb.BatchReply) {
	for _, rejection := range reply.Rejections {
		log.Printf("%s: %s", rejection.Path, rejection.Reason)
	}
	for ids := reply.ExecutablesNeeded; len(ids) >= 16; ids = ids[16:] {
		s.needed = append(s.needed, fileID(ids[:16]))
	}
}

// TakeNeeded gives the files that the service knows nothing of.
func (s *stream) TakeNeeded() []fileID {
	needed := s.needed
	s.needed = nil
	return needed
}

// retryDelay tells when a batch may be sent again: RESOURCE_EXHAUSTED says so by RetryInfo, or means never.
func retryDelay(err error, pause time.Duration) (time.Duration, bool) {
	told := status.Convert(err)
	for _, detail := range told.Details() {
		if info, isRetryInfo := detail.(*errdetails.RetryInfo); isRetryInfo {
			return info.RetryDelay.AsDuration(), true
		}
	}
	switch told.Code() {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded, codes.Unknown:
		return pause, true
	}
	return 0, false
}

func sleep(ctx context.Context, duration time.Duration) error {
	if duration <= 0 {
		return nil
	}
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return nil
	}
}

func (s *stream) Close() {
	if s.frames != nil {
		_ = s.frames.CloseSend()
	}
	_ = s.connection.Close()
}
