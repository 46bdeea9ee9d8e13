// Command grpc-client makes many calls at once through grpc-go, some of which it cancels or gives too little time.
// It prints as JSON how they ended: how many with each status, by the index of their message.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// bytesCodec takes messages as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (bytesCodec) Name() string { return "proto" }

// Usage: grpc-client ENDPOINT METHOD CALLS CALLS-AT-ONCE FILE...; each file is a message.
func main() {
	calls, _ := strconv.Atoi(os.Args[3])
	atOnce, _ := strconv.Atoi(os.Args[4])
	var messages [][]byte
	for _, file := range os.Args[5:] {
		message, err := os.ReadFile(file)
		if err != nil {
			fail(err)
		}
		messages = append(messages, message)
	}
	// Two connections: what one of them suffers, the other does not.
	var conns []*grpc.ClientConn
	for range 2 {
		conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			fail(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	ended := map[string]int{}
	var lock sync.Mutex
	var group sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range calls {
		places <- struct{}{}
		group.Add(1)
		go func() {
			defer group.Done()
			kind := i % len(messages)
			name := fmt.Sprint(kind, " ", call(conns[i%2], messages[kind], i))
			lock.Lock()
			ended[name]++
			lock.Unlock()
			<-places
		}()
	}
	group.Wait()
	json.NewEncoder(os.Stdout).Encode(ended)
}

// call makes the call i; one of four is cancelled, or has a deadline, within milliseconds.
func call(conn *grpc.ClientConn, message []byte, i int) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	wait := time.Duration(rand.Intn(20_000)) * time.Microsecond
	switch i % 8 {
	case 3:
		timer := time.AfterFunc(wait, cancel)
		defer timer.Stop()
	case 7:
		limited, release := context.WithTimeout(ctx, wait)
		defer release()
		ctx = limited
	}
	var answer []byte
	err := conn.Invoke(ctx, os.Args[2], &message, &answer, grpc.ForceCodec(bytesCodec{}), grpc.WaitForReady(true))
	return status.Code(err).String()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
