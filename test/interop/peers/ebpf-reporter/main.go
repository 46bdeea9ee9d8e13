// Command ebpf-reporter hands recorded stacks to the reporter of the OpenTelemetry eBPF profiler, and that sends them
// as it sends those of the profiler itself. It reports each event of one document, and then runs on until it is told to
// stop: what the reporter has not sent when it is stopped is lost.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/ebpf-profiler/libpf"
	"go.opentelemetry.io/ebpf-profiler/reporter"
	"go.opentelemetry.io/ebpf-profiler/reporter/samples"
)

// document holds tables, and events that point into them. 64-bit numbers are text: JSON's own are not exact.
type document struct {
	SamplesPerSecond int       `json:"samplesPerSecond"`
	Mappings         []mapping `json:"mappings"`
	Frames           []frame   `json:"frames"`
	Events           []event   `json:"events"`
}

type mapping struct {
	FileID     string        `json:"fileId"`
	FileName   string        `json:"fileName"`
	GnuBuildID string        `json:"gnuBuildId"`
	Start      libpf.Address `json:"start,string"`
	End        libpf.Address `json:"end,string"`
	FileOffset uint64        `json:"fileOffset,string"`
}

type frame struct {
	// A value of profile.frame.type.
	Type     string                `json:"type"`
	Function string                `json:"function"`
	File     string                `json:"file"`
	Line     libpf.SourceLineno    `json:"line"`
	Address  libpf.AddressOrLineno `json:"address,string"`
	// Absent for code that is in no file.
	Mapping *int `json:"mapping"`
}

type event struct {
	// Leaf first.
	Frames         []int             `json:"frames"`
	TimeUnixNano   libpf.UnixTime64  `json:"timeUnixNano,string"`
	PID            libpf.PID         `json:"pid"`
	TID            libpf.PID         `json:"tid"`
	CPU            uint32            `json:"cpu"`
	Comm           string            `json:"comm"`
	ExecutablePath string            `json:"executablePath"`
	ContainerID    string            `json:"containerId"`
	Labels         map[string]string `json:"labels"`
}

// onCPU is the profile type that the profiler gives to samples of its timer.
var onCPU = &samples.TypeMetadata{
	PeriodType: "cpu", PeriodUnit: "nanoseconds", SampleType: "samples", SampleUnit: "count",
}

// stackTeller gives the reporter a key for each stack, which its own lacks: it goes by a hash that leaves functions
// out. The key becomes no attribute.
type stackTeller struct{ current string }

func (s *stackTeller) CollectExtraSampleMeta(*libpf.Trace, *samples.TraceEventMeta) any {
	return s.current
}
func (s *stackTeller) ExtraSampleAttrs(*samples.AttrTableManager, any) []int32 { return nil }

func main() {
	endpoint := flag.String("endpoint", "", "host:port of a receiver of OTLP over gRPC, without TLS")
	interval := flag.Duration("interval", time.Second, "length of a reporting cycle")
	tellStacksApart := flag.Bool("tell-stacks-apart", false, "make up for the reporter's hash of a stack")
	flag.Parse()
	if err := run(flag.Arg(0), *endpoint, *interval, *tellStacksApart); err != nil {
		log.Fatal(err)
	}
}

func run(path, endpoint string, interval time.Duration, tellStacksApart bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	frames, err := doc.libpfFrames()
	if err != nil {
		return err
	}
	config := &reporter.Config{
		Name: "ebpf-reporter", Version: "recorded", CollAgentAddr: endpoint, DisableTLS: true,
		SamplesPerSecond: doc.SamplesPerSecond, ReportInterval: interval, MaxRPCMsgSize: 32 << 20,
		GRPCConnectionTimeout: 30 * time.Second, GRPCOperationTimeout: 30 * time.Second,
		GRPCStartupBackoffTime: time.Second,
	}
	var teller stackTeller
	if tellStacksApart {
		config.ExtraSampleAttrProd = &teller
	}
	otlp, err := reporter.NewOTLP(config)
	if err != nil {
		return err
	}
	if err := otlp.Start(ctx); err != nil {
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	defer otlp.Stop()
	for i := range doc.Events {
		teller.current = fmt.Sprint(doc.Events[i].Frames)
		if err := doc.Events[i].report(otlp, frames); err != nil {
			return fmt.Errorf("events[%d]: %w", i, err)
		}
	}
	fmt.Printf("reported %d events\n", len(doc.Events))
	<-ctx.Done()
	return nil
}

func (d *document) libpfFrames() ([]*libpf.Frame, error) {
	mappings := make([]libpf.FrameMapping, len(d.Mappings))
	for i, m := range d.Mappings {
		fileID, err := libpf.FileIDFromString(m.FileID)
		if err != nil {
			return nil, fmt.Errorf("mappings[%d].fileId: %w", i, err)
		}
		file := libpf.NewFrameMappingFile(libpf.FrameMappingFileData{
			FileID: fileID, FileName: libpf.Intern(m.FileName), GnuBuildID: m.GnuBuildID,
		})
		mappings[i] = libpf.NewFrameMapping(libpf.FrameMappingData{
			File: file, Start: m.Start, End: m.End, FileOffset: m.FileOffset,
		})
	}
	frames := make([]*libpf.Frame, len(d.Frames))
	for i, f := range d.Frames {
		frames[i] = &libpf.Frame{
			Type: libpf.FrameTypeFromString(f.Type), AddressOrLineno: f.Address,
			FunctionName: libpf.Intern(f.Function), SourceFile: libpf.Intern(f.File), SourceLine: f.Line,
		}
		if f.Mapping == nil {
			continue
		}
		if *f.Mapping < 0 || *f.Mapping >= len(mappings) {
			return nil, fmt.Errorf("frames[%d].mapping: %d is out of range", i, *f.Mapping)
		}
		frames[i].Mapping = mappings[*f.Mapping]
	}
	return frames, nil
}

func (e *event) report(to reporter.TraceReporter, frames []*libpf.Frame) error {
	trace := libpf.Trace{CustomLabels: make(map[libpf.String]libpf.String, len(e.Labels))}
	for key, value := range e.Labels {
		trace.CustomLabels[libpf.Intern(key)] = libpf.Intern(value)
	}
	for _, index := range e.Frames {
		if index < 0 || index >= len(frames) {
			return errors.New("a frame is out of range")
		}
		trace.Frames.Append(frames[index])
	}
	return to.ReportTraceEvent(&trace, &samples.TraceEventMeta{
		Timestamp: e.TimeUnixNano, PID: e.PID, TID: e.TID, CPU: e.CPU, ProfileType: onCPU,
		Comm:           libpf.NewCommFromString(e.Comm),
		ExecutablePath: libpf.Intern(e.ExecutablePath), ContainerID: libpf.Intern(e.ContainerID),
	})
}
