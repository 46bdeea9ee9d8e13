package main

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const (
	maxProcesses = 4096
	maxFiles     = 16384
)

type fileID [16]byte

// executable is a file that holds code, known by its content.
type executable struct {
	id         fileID
	isHtlhash  bool
	name       string
	gnuBuildID string
	segments   []elf.ProgHeader // loaded ones
}

// virtualAddress is the ELF virtual address of an offset in the file.
func (e *executable) virtualAddress(offset uint64) (uint64, bool) {
	for _, segment := range e.segments {
		if offset >= segment.Off && offset < segment.Off+segment.Filesz {
			return offset - segment.Off + segment.Vaddr, true
		}
	}
	return 0, false
}

// mapping is executable memory of a process; file is nil where no file lies behind it.
type mapping struct {
	start, end, offset uint64
	file               *executable
}

// process is a process ID with the time at which it began, which tells it from later ones of the same ID.
type process struct {
	pid, namespacePID uint32
	startTime         uint64
	comm, path        string
	mappings          []mapping
}

// processTable knows the processes that were sampled, and the files that they have mapped.
type processTable struct {
	processes map[uint32]*process
	// Files by device and inode, so that each is read once.
	files map[string]*executable
}

func newProcessTable() *processTable {
	return &processTable{processes: map[uint32]*process{}, files: map[string]*executable{}}
}

// Find reads a process when it is seen for the first time, or when its ID was used anew; nil when it is gone.
func (t *processTable) Find(pid uint32) *process {
	startTime, comm, err := readStat(pid)
	known := t.processes[pid]
	if err != nil {
		return known
	}
	if known != nil && known.startTime == startTime {
		return known
	}
	if len(t.processes) >= maxProcesses {
		return nil
	}
	p := &process{pid: pid, namespacePID: readNamespacePID(pid), startTime: startTime, comm: comm}
	p.path, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	p.path = strings.TrimSuffix(p.path, " (deleted)")
	t.processes[pid] = p
	t.readMappings(p)
	return p
}

// Locate finds the mapping of an address, and reads the mappings again when there is none: the library came later.
func (t *processTable) Locate(p *process, address uint64, isFresh *bool) *mapping {
	if found := p.locate(address); found != nil || *isFresh {
		return found
	}
	*isFresh = true
	t.readMappings(p)
	return p.locate(address)
}

func (p *process) locate(address uint64) *mapping {
	i := sort.Search(len(p.mappings), func(i int) bool { return p.mappings[i].end > address })
	if i < len(p.mappings) && p.mappings[i].start <= address {
		return &p.mappings[i]
	}
	return nil
}

// TakeEnded forgets the processes that ended, and gives them.
func (t *processTable) TakeEnded() []*process {
	var ended []*process
	for pid, p := range t.processes {
		if startTime, _, err := readStat(pid); err != nil || startTime != p.startTime {
			ended = append(ended, p)
			delete(t.processes, pid)
		}
	}
	return ended
}

// readMappings reads /proc/PID/maps: "start-end perms offset dev inode path".
func (t *processTable) readMappings(p *process) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.pid))
	if err != nil {
		return
	}
	p.mappings = p.mappings[:0]
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.Contains(fields[1], "x") {
			continue
		}
		var m mapping
		if _, err := fmt.Sscanf(fields[0], "%x-%x", &m.start, &m.end); err != nil {
			continue
		}
		m.offset, _ = strconv.ParseUint(fields[2], 16, 64)
		if len(fields) > 5 && strings.HasPrefix(fields[5], "/") {
			m.file = t.readFile(p.pid, &m, fields[3]+":"+fields[4], filepath.Base(fields[5]))
		}
		p.mappings = append(p.mappings, m)
	}
}

// readFile reads the mapped file itself where the kernel allows it, so that links of the process lead nowhere else.
func (t *processTable) readFile(pid uint32, m *mapping, inode, name string) *executable {
	if known, isKnown := t.files[inode]; isKnown {
		return known
	}
	if len(t.files) >= maxFiles {
		return nil
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/map_files/%x-%x", pid, m.start, m.end))
	if err != nil {
		return nil
	}
	defer file.Close()
	found, err := readExecutable(file, name)
	if err != nil {
		found = nil
	}
	t.files[inode] = found
	return found
}

func readExecutable(file *os.File, name string) (*executable, error) {
	parsed, err := elf.NewFile(file)
	if err != nil {
		return nil, err
	}
	id, err := htlhash(file)
	if err != nil {
		return nil, err
	}
	found := &executable{id: id, isHtlhash: true, name: name}
	for _, segment := range parsed.Progs {
		switch segment.Type {
		case elf.PT_LOAD:
			found.segments = append(found.segments, segment.ProgHeader)
		case elf.PT_NOTE:
			notes := make([]byte, min(segment.Filesz, 65536))
			if _, err := segment.ReadAt(notes, 0); err == nil && found.gnuBuildID == "" {
				found.gnuBuildID = gnuBuildID(notes)
			}
		}
	}
	return found, nil
}

// htlhash is OpenTelemetry's file ID: SHA-256 over the first and the last 4,096 bytes and the length, halved.
func htlhash(file *os.File) (fileID, error) {
	info, err := file.Stat()
	if err != nil {
		return fileID{}, err
	}
	part := min(info.Size(), 4096)
	hash := sha256.New()
	for _, offset := range []int64{0, info.Size() - part} {
		if _, err := io.Copy(hash, io.NewSectionReader(file, offset, part)); err != nil {
			return fileID{}, err
		}
	}
	_ = binary.Write(hash, binary.BigEndian, info.Size())
	return fileID(hash.Sum(nil)[:16]), nil
}

// gnuBuildID finds the note of type 3 of the name "GNU".
func gnuBuildID(notes []byte) string {
	for len(notes) >= 12 {
		nameBytes, textBytes := binary.NativeEndian.Uint32(notes), binary.NativeEndian.Uint32(notes[4:])
		kind := binary.NativeEndian.Uint32(notes[8:])
		text := 12 + (int(nameBytes)+3)&^3
		end := text + int(textBytes)
		if nameBytes > 64 || textBytes > 1<<16 || end > len(notes) {
			return ""
		}
		if kind == 3 && bytes.HasPrefix(notes[12:], []byte("GNU\x00")) {
			return hex.EncodeToString(notes[text:end])
		}
		notes = notes[min((end+3)&^3, len(notes)):]
	}
	return ""
}

// readKernel gives the running kernel; its file ID is the first half of its build ID, since no file has to be there.
func readKernel() *executable {
	notes, err := os.ReadFile("/sys/kernel/notes")
	if err != nil {
		return nil
	}
	kernel := &executable{name: "vmlinux", gnuBuildID: gnuBuildID(notes)}
	raw, _ := hex.DecodeString(kernel.gnuBuildID)
	if copy(kernel.id[:], raw) < len(kernel.id) {
		return nil
	}
	return kernel
}

// readStat reads name and start time (clock ticks since boot) of /proc/PID/stat; the name is in parentheses and may hold any.
func readStat(pid uint32) (startTime uint64, comm string, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return 0, "", fmt.Errorf("/proc/%d/stat: no name in parentheses", pid)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return 0, "", fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	startTime, err = strconv.ParseUint(fields[19], 10, 64)
	return startTime, string(text[open+1 : end]), err
}

// readNamespacePID gives the last number of NSpid, 0 where it cannot be read.
func readNamespacePID(pid uint32) uint32 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if ids, isIt := strings.CutPrefix(line, "NSpid:"); isIt {
			fields := strings.Fields(ids)
			id, _ := strconv.ParseUint(fields[len(fields)-1], 10, 32)
			return uint32(id)
		}
	}
	return 0
}
