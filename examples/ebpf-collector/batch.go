package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"time"

	pb "framekeeper.invalid/ebpf-collector/framespb"
)

// collector turns samples into batches. The tables of a batch are its own; what a file is called is sent once.
type collector struct {
	instanceID  []byte
	host        string
	periodNano  uint64
	processes   *processTable
	kernel      *executable
	batch       *batch
	known       map[fileID]*executable
	toldBefore  map[fileID]bool
	exited      []*process
	unwindFails uint64
}

func newCollector(frequency uint64) *collector {
	c := &collector{
		instanceID: make([]byte, 16),
		periodNano: 1_000_000_000 / frequency,
		processes:  newProcessTable(),
		kernel:     readKernel(),
		known:      map[fileID]*executable{},
		toldBefore: map[fileID]bool{},
	}
	_, _ = rand.Read(c.instanceID)
	c.host, _ = os.Hostname()
	c.batch = newBatch(c.periodNano)
	return c
}

// Add puts a sample into the batch. Samples whose process is gone and was never seen count as lost.
func (c *collector) Add(s *sample) {
	p := c.processes.Find(s.pid)
	if p == nil {
		c.unwindFails++
		return
	}
	index := c.batch.process(p)
	frames := c.kernelFrames(s.kernel)
	isFresh := false
	for i, address := range s.user {
		// A return address is the one behind the call; the leaf is where the process was.
		if i > 0 {
			address--
		}
		m := c.processes.Locate(p, address, &isFresh)
		if m == nil {
			break // a register that was no frame pointer
		}
		frames = append(frames, c.userFrame(p, index, m, address))
	}
	if len(frames) == 0 {
		c.unwindFails++
		return
	}
	c.batch.message.Samples = append(c.batch.message.Samples, &pb.Sample{
		Stack:       c.batch.stack(frames),
		Process:     index,
		ProfileType: 1,
		ThreadId:    s.tid,
		ThreadName:  c.batch.text(s.comm),
		CpuPlusOne:  s.cpu + 1,
		Timestamps:  []uint64{s.timeNano},
	})
}

func (c *collector) kernelFrames(stack []uint64) []uint32 {
	if c.kernel == nil {
		return nil
	}
	var frames []uint32
	for i, address := range stack {
		if i > 0 {
			address--
		}
		frames = append(frames, c.batch.frame(frameKey{file: c.file(c.kernel), address: address, kind: pb.FrameKind_FRAME_KIND_KERNEL}))
	}
	return frames
}

func (c *collector) userFrame(p *process, process uint32, m *mapping, address uint64) uint32 {
	if m.file != nil {
		if virtual, isLoaded := m.file.virtualAddress(address - m.start + m.offset); isLoaded {
			file := c.file(m.file)
			return c.batch.frame(frameKey{file: file, mapping: c.batch.mapping(file, m, address-virtual), address: virtual, kind: pb.FrameKind_FRAME_KIND_NATIVE})
		}
	}
	return c.batch.frame(frameKey{process: process, address: address, kind: runtimeKind(p)})
}

// runtimeKind says whose code the anonymous memory of a process holds.
func runtimeKind(p *process) pb.FrameKind {
	switch filepath.Base(p.path) {
	case "node":
		return pb.FrameKind_FRAME_KIND_V8JS
	case "java":
		return pb.FrameKind_FRAME_KIND_JVM
	case "dotnet":
		return pb.FrameKind_FRAME_KIND_DOTNET
	}
	return pb.FrameKind_FRAME_KIND_NATIVE
}

// file is the index of a file ID in the batch; what the file is goes along the first time.
func (c *collector) file(e *executable) uint32 {
	index := c.batch.file(e.id)
	if !c.toldBefore[e.id] {
		c.toldBefore[e.id] = true
		c.known[e.id] = e
		c.tell(index, e)
	}
	return index
}

func (c *collector) tell(index uint32, e *executable) {
	c.batch.message.Executables = append(c.batch.message.Executables, &pb.Executable{
		FileId:          index,
		FileName:        c.batch.text(e.name),
		GnuBuildId:      c.batch.text(e.gnuBuildID),
		FileIdIsHtlhash: e.isHtlhash,
	})
}

// Answer tells again of the files that the service has forgotten. Names this collector has none: they are the symbolizer's work.
func (c *collector) Answer(executablesNeeded []fileID) {
	for _, id := range executablesNeeded {
		if e := c.known[id]; e != nil {
			c.tell(c.batch.file(id), e)
		}
	}
}

// Batch ends the current batch and begins the next one.
func (c *collector) Batch(lost lostSamples) *pb.Batch {
	for _, p := range c.processes.TakeEnded() {
		c.batch.message.ProcessExits = append(c.batch.message.ProcessExits, c.batch.process(p))
	}
	message := c.batch.message
	message.Collector = &pb.Collector{
		InstanceId:         c.instanceID,
		ResourceAttributes: []*pb.Attribute{{Key: "host.name", Value: c.host}, {Key: "os.type", Value: "linux"}},
		ScopeName:          "ebpf-collector",
	}
	message.Clock = &pb.Clock{
		Kind:           pb.Clock_KIND_MONOTONIC,
		AnchorNano:     monotonicNano(),
		AnchorUnixNano: uint64(time.Now().UnixNano()),
	}
	for reason, count := range map[pb.LostSamples_Reason]uint64{
		pb.LostSamples_REASON_BUFFER_FULL:   lost.bufferFull,
		pb.LostSamples_REASON_QUEUE_FULL:    lost.queueFull,
		pb.LostSamples_REASON_UNWIND_FAILED: c.unwindFails,
	} {
		if count > 0 {
			message.LostSamples = append(message.LostSamples, &pb.LostSamples{Reason: reason, Count: count})
		}
	}
	c.unwindFails = 0
	c.batch = newBatch(c.periodNano)
	return message
}

type frameKey struct {
	file, process, mapping uint32
	address                uint64
	kind                   pb.FrameKind
}

type mappingKey struct {
	file       uint32
	start, end uint64
}

// batch writes each entry of a table once; indices count from 1.
type batch struct {
	message   *pb.Batch
	texts     map[string]uint32
	files     map[fileID]uint32
	mappings  map[mappingKey]uint32
	frames    map[frameKey]uint32
	stacks    map[string]uint32
	processes map[*process]uint32
}

func newBatch(periodNano uint64) *batch {
	b := &batch{
		message:   &pb.Batch{},
		texts:     map[string]uint32{},
		files:     map[fileID]uint32{},
		mappings:  map[mappingKey]uint32{},
		frames:    map[frameKey]uint32{},
		stacks:    map[string]uint32{},
		processes: map[*process]uint32{},
	}
	b.message.ProfileTypes = []*pb.ProfileType{{
		SampleType: b.text("samples"), SampleUnit: b.text("count"),
		PeriodType: b.text("cpu"), PeriodUnit: b.text("nanoseconds"), Period: periodNano,
	}}
	return b
}

func (b *batch) text(text string) uint32 {
	if text == "" {
		return 0
	}
	return put(b.texts, text, func() { b.message.Strings = append(b.message.Strings, text) })
}

func (b *batch) file(id fileID) uint32 {
	return put(b.files, id, func() { b.message.FileIds = append(b.message.FileIds, id[:]...) })
}

// mapping tells where a part of a file lies, in the file's virtual addresses: `bias` is what the process has them moved by.
func (b *batch) mapping(file uint32, m *mapping, bias uint64) uint32 {
	key := mappingKey{file: file, start: m.start - bias, end: m.end - bias}
	return put(b.mappings, key, func() {
		b.message.Mappings = append(b.message.Mappings, &pb.Mapping{FileId: file, Start: key.start, End: key.end, FileOffset: m.offset})
	})
}

func (b *batch) frame(key frameKey) uint32 {
	return put(b.frames, key, func() {
		b.message.Frames = append(b.message.Frames, &pb.Frame{
			FileId: key.file, Process: key.process, AddressOrLine: key.address, Kind: key.kind, Mapping: key.mapping,
		})
	})
}

func (b *batch) stack(frames []uint32) uint32 {
	key := make([]byte, 0, 4*len(frames))
	for _, frame := range frames {
		key = append(key, byte(frame), byte(frame>>8), byte(frame>>16), byte(frame>>24))
	}
	return put(b.stacks, string(key), func() { b.message.Stacks = append(b.message.Stacks, &pb.Stack{Frames: frames}) })
}

func (b *batch) process(p *process) uint32 {
	return put(b.processes, p, func() {
		b.message.Processes = append(b.message.Processes, &pb.Process{
			Pid: p.pid, NamespacePid: p.namespacePID, StartTimeNano: p.startTime, Comm: b.text(p.comm), ExecutablePath: b.text(p.path),
		})
	})
}

// put gives the index of a key, and appends its entry when it is new.
func put[Key comparable](table map[Key]uint32, key Key, appendEntry func()) uint32 {
	if index, isKnown := table[key]; isKnown {
		return index
	}
	appendEntry()
	index := uint32(len(table) + 1)
	table[key] = index
	return index
}
