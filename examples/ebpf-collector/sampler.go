package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

const (
	maxFrames = 127
	// The layout of a record: a head, the kernel's stack, the user's stack. The sizes of the stacks are bytes, negative on failure.
	offsetTime       = 0
	offsetPidTgid    = 8
	offsetCPU        = 16
	offsetKernelSize = 24
	offsetUserSize   = 32
	offsetComm       = 40
	offsetKernel     = 56
	stackBytes       = maxFrames * 8
	offsetUser       = offsetKernel + stackBytes
	recordBytes      = offsetUser + stackBytes
)

var errNotAllowed = errors.New("BPF is not allowed here")

// sample is one tick of one CPU: what ran, and how it came there; stacks are leaf first.
type sample struct {
	timeNano uint64 // CLOCK_MONOTONIC
	pid, tid uint32
	cpu      uint32
	comm     string
	kernel   []uint64
	user     []uint64
}

// sampler is a BPF program on a clock event of every CPU, and the ring buffer that it writes.
type sampler struct {
	reader  *ringbuf.Reader
	lost    *ebpf.Map
	taken   uint64
	throwns atomic.Uint64
	closers []func() error
}

func startSampler(frequency uint64) (_ *sampler, err error) {
	s := &sampler{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	// Kernels before 5.11 count BPF's memory against this limit.
	_ = rlimit.RemoveMemlock()
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4 << 20})
	if err != nil {
		return nil, fmt.Errorf("%w: ring buffer: %w", errNotAllowed, err)
	}
	s.closers = append(s.closers, ring.Close)
	scratch, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: recordBytes, MaxEntries: 1})
	if err != nil {
		return nil, fmt.Errorf("%w: scratch buffer: %w", errNotAllowed, err)
	}
	s.closers = append(s.closers, scratch.Close)
	if s.lost, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return nil, fmt.Errorf("%w: counter: %w", errNotAllowed, err)
	}
	s.closers = append(s.closers, s.lost.Close)
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.PerfEvent,
		License:      "GPL", // bpf_get_stack is for such programs alone
		Instructions: onTick(scratch, ring, s.lost),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: program: %w", errNotAllowed, err)
	}
	s.closers = append(s.closers, program.Close)
	for cpu := range runtime.NumCPU() {
		if err := s.attach(program, cpu, frequency); err != nil {
			return nil, err
		}
	}
	s.reader, err = ringbuf.NewReader(ring)
	return s, err
}

// attach runs the program at each tick of a CPU's clock while a process runs there.
func (s *sampler) attach(program *ebpf.Program, cpu int, frequency uint64) error {
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_SOFTWARE,
		Config: unix.PERF_COUNT_SW_CPU_CLOCK,
		Sample: frequency,
		Bits:   unix.PerfBitFreq,
	}
	attr.Size = uint32(binary.Size(attr))
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		return nil // a CPU that is switched off
	}
	if err != nil {
		return fmt.Errorf("%w: perf_event_open on CPU %d: %w", errNotAllowed, cpu, err)
	}
	s.closers = append(s.closers, func() error { return unix.Close(fd) })
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err != nil {
		return fmt.Errorf("%w: attach on CPU %d: %w", errNotAllowed, cpu, err)
	}
	return unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
}

// onTick is the BPF program, in C:
//
//	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
//	if (!r) return 0;
//	r->pid_tgid = bpf_get_current_pid_tgid();
//	if (r->pid_tgid >> 32 == 0) return 0;                  // idle
//	r->time = bpf_ktime_get_ns();
//	r->cpu = bpf_get_smp_processor_id();
//	bpf_get_current_comm(r->comm, 16);
//	r->kernel_size = bpf_get_stack(ctx, r->kernel, sizeof r->kernel, 0);
//	r->user_size = bpf_get_stack(ctx, r->user, sizeof r->user, BPF_F_USER_STACK);
//	if (bpf_ringbuf_output(&ring, r, sizeof *r, 0) != 0) ++*bpf_map_lookup_elem(&lost, &zero);
//	return 0;
func onTick(scratch, ring, lost *ebpf.Map) asm.Instructions {
	const userStack = 1 << 8 // BPF_F_USER_STACK
	lookUp := func(m *ebpf.Map) asm.Instructions {
		return asm.Instructions{
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "exit"),
		}
	}
	stack := func(offset, sizeOffset int16, flags int32) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Reg(asm.R2, asm.R7),
			asm.Add.Imm(asm.R2, int32(offset)),
			asm.Mov.Imm(asm.R3, stackBytes),
			asm.Mov.Imm(asm.R4, flags),
			asm.FnGetStack.Call(),
			asm.StoreMem(asm.R7, sizeOffset, asm.R0, asm.DWord),
		}
	}
	program := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	program = append(program, lookUp(scratch)...)
	program = append(program,
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.FnGetCurrentPidTgid.Call(),
		asm.StoreMem(asm.R7, offsetPidTgid, asm.R0, asm.DWord),
		asm.RSh.Imm(asm.R0, 32),
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R7, offsetTime, asm.R0, asm.DWord),
		asm.FnGetSmpProcessorId.Call(),
		asm.StoreMem(asm.R7, offsetCPU, asm.R0, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.Add.Imm(asm.R1, offsetComm),
		asm.Mov.Imm(asm.R2, 16),
		asm.FnGetCurrentComm.Call(),
	)
	program = append(program, stack(offsetKernel, offsetKernelSize, 0)...)
	program = append(program, stack(offsetUser, offsetUserSize, userStack)...)
	program = append(program,
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Mov.Imm(asm.R3, recordBytes),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "exit"),
	)
	program = append(program, lookUp(lost)...)
	return append(program,
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"),
		asm.Return(),
	)
}

// Read sends samples until the sampler is closed; what finds no room in the channel is lost and counted.
func (s *sampler) Read(samples chan<- *sample) {
	defer close(samples)
	var record ringbuf.Record
	for {
		if err := s.reader.ReadInto(&record); err != nil {
			return
		}
		if len(record.RawSample) < recordBytes {
			continue
		}
		select {
		case samples <- decodeSample(record.RawSample):
		default:
			s.throwns.Add(1)
		}
	}
}

func decodeSample(raw []byte) *sample {
	word := func(offset int) uint64 { return binary.NativeEndian.Uint64(raw[offset:]) }
	comm, _, _ := bytes.Cut(raw[offsetComm:offsetKernel], []byte{0})
	return &sample{
		timeNano: word(offsetTime),
		pid:      uint32(word(offsetPidTgid) >> 32),
		tid:      uint32(word(offsetPidTgid)),
		cpu:      uint32(word(offsetCPU)),
		comm:     string(comm),
		kernel:   addresses(raw[offsetKernel:], int64(word(offsetKernelSize))),
		user:     addresses(raw[offsetUser:], int64(word(offsetUserSize))),
	}
}

func addresses(raw []byte, sizeBytes int64) []uint64 {
	if sizeBytes <= 0 {
		return nil
	}
	stack := make([]uint64, 0, sizeBytes/8)
	for i := int64(0); i+8 <= min(sizeBytes, stackBytes); i += 8 {
		if address := binary.NativeEndian.Uint64(raw[i:]); address != 0 {
			stack = append(stack, address)
		}
	}
	return stack
}

// lostSamples counts samples that never came to a batch: the ring buffer was full, or this program too slow.
type lostSamples struct{ bufferFull, queueFull uint64 }

func (s *sampler) TakeLost() lostSamples {
	var total uint64
	if err := s.lost.Lookup(uint32(0), &total); err != nil {
		total = s.taken
	}
	lost := lostSamples{bufferFull: total - s.taken, queueFull: s.throwns.Swap(0)}
	s.taken = total
	return lost
}

func (s *sampler) Close() {
	if s.reader != nil {
		_ = s.reader.Close()
	}
	for _, close := range s.closers {
		_ = close()
	}
}

// monotonicNano reads the clock of the samples.
func monotonicNano() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return uint64(now.Nano())
}
