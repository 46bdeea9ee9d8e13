// Package framespb is made from frames.proto.
package framespb

//go:generate protoc -I ../../../proto/framekeeper/frames/v1 --go_out=. --go_opt=paths=source_relative --go_opt=Mframes.proto=framekeeper.invalid/ebpf-collector/framespb --go-grpc_out=. --go-grpc_opt=paths=source_relative --go-grpc_opt=Mframes.proto=framekeeper.invalid/ebpf-collector/framespb frames.proto
