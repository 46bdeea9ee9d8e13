// Command pdata says how the Collector renders OTLP profiles: it reads messages from standard input in one encoding and
// writes each in the other, with the Collector's own code.
//
//	pdata request|response json|proto
//
// The last word is the encoding of what it writes. Messages come behind their length in four bytes, big-endian; answers
// go out the same way, with one more byte in front: 0 for a message, 1 for the text of an error.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
)

// message is what both of pprofileotlp's types can do.
type message interface {
	MarshalProto() ([]byte, error)
	UnmarshalProto([]byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON([]byte) error
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pdata:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: pdata request|response json|proto")
	}
	messages := map[string]func() message{
		"request":  func() message { return pprofileotlp.NewExportRequest() },
		"response": func() message { return pprofileotlp.NewExportResponse() },
	}
	newMessage, ok := messages[args[0]]
	if !ok {
		return fmt.Errorf("no message %q", args[0])
	}
	translations := map[string]func(message, []byte) ([]byte, error){"json": protoToJSON, "proto": jsonToProto}
	translate, ok := translations[args[1]]
	if !ok {
		return fmt.Errorf("no encoding %q", args[1])
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		input, err := readMessage(in)
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		output, err := translate(newMessage(), input)
		if err := writeAnswer(out, output, err); err != nil {
			return err
		}
	}
}

func protoToJSON(m message, input []byte) ([]byte, error) {
	if err := m.UnmarshalProto(input); err != nil {
		return nil, err
	}
	return m.MarshalJSON()
}

func jsonToProto(m message, input []byte) ([]byte, error) {
	if err := m.UnmarshalJSON(input); err != nil {
		return nil, err
	}
	return m.MarshalProto()
}

func readMessage(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	input := make([]byte, length)
	_, err := io.ReadFull(in, input)
	return input, err
}

func writeAnswer(out io.Writer, output []byte, failure error) error {
	status := byte(0)
	if failure != nil {
		status, output = 1, []byte(failure.Error())
	}
	head := binary.BigEndian.AppendUint32([]byte{status}, uint32(len(output)))
	if _, err := out.Write(head); err != nil {
		return err
	}
	_, err := out.Write(output)
	return err
}
