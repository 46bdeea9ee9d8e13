// Reads a profile with pprof's own library, checks it, tells its content as JSON and writes it anew.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/google/pprof/profile"
)

type sample struct {
	// Leaf first: address, file of the mapping, and name, file, line of each line.
	Stack  []string `json:"stack"`
	Values []string `json:"values"`
	Labels []string `json:"labels"`
}

type content struct {
	Types   []string `json:"types"`
	Default string   `json:"default"`
	Period  string   `json:"period"`
	File    string   `json:"file"`
	Samples []sample `json:"samples"`
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	file, err := os.Open(in)
	if err != nil {
		return err
	}
	p, err := profile.Parse(file)
	if err != nil {
		return err
	}
	if err := p.CheckValid(); err != nil {
		return err
	}
	c := content{Default: p.DefaultSampleType, Period: fmt.Sprint(p.PeriodType.Type, "/", p.PeriodType.Unit, " ", p.Period)}
	if len(p.Mapping) > 0 {
		c.File = p.Mapping[0].File
	}
	for _, t := range p.SampleType {
		c.Types = append(c.Types, t.Type+"/"+t.Unit)
	}
	for _, s := range p.Sample {
		c.Samples = append(c.Samples, describe(s))
	}
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		return err
	}
	written, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := p.Write(written); err != nil {
		return err
	}
	return written.Close()
}

func describe(s *profile.Sample) sample {
	d := sample{Stack: []string{}, Labels: []string{}}
	for _, l := range s.Location {
		text := fmt.Sprintf("%x", l.Address)
		if l.Mapping != nil {
			text += " " + l.Mapping.File + "@" + fmt.Sprintf("%x", l.Mapping.Start) + " " + l.Mapping.BuildID
		}
		for _, line := range l.Line {
			text += fmt.Sprintf(" %s %s:%d:%d", line.Function.Name, line.Function.Filename, line.Line, line.Column)
		}
		d.Stack = append(d.Stack, text)
	}
	for _, v := range s.Value {
		d.Values = append(d.Values, fmt.Sprint(v))
	}
	for key, values := range s.Label {
		d.Labels = append(d.Labels, fmt.Sprintf("%s=%q", key, values))
	}
	for key, values := range s.NumLabel {
		d.Labels = append(d.Labels, fmt.Sprintf("%s=%d%q", key, values, s.NumUnit[key]))
	}
	sort.Strings(d.Labels)
	return d
}
