// Command processors runs the Collector's own processors on OTLP profiles.
//
// It reads a JSON array of cases from stdin, each with `type` (filter, resource), `config` (YAML) and `request`
// (protobuf of an export request, base64), and writes an array of outcomes: `request`, empty where everything was dropped, or `error`.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/collector/processor/xprocessor"
)

var factories = map[string]func() processor.Factory{
	"filter":   filterprocessor.NewFactory,
	"resource": resourceprocessor.NewFactory,
}

type testCase struct {
	Type    string `json:"type"`
	Config  string `json:"config"`
	Request []byte `json:"request"`
}

type outcome struct {
	Request []byte `json:"request"`
	Error   string `json:"error,omitempty"`
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	outcomes := make([]outcome, 0, len(cases))
	for _, each := range cases {
		request, err := run(context.Background(), each)
		if err != nil {
			outcomes = append(outcomes, outcome{Error: err.Error()})
		} else {
			outcomes = append(outcomes, outcome{Request: request})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, each testCase) ([]byte, error) {
	factory := factories[each.Type]()
	config := factory.CreateDefaultConfig()
	yaml, err := confmap.NewRetrievedFromYAML([]byte(each.Config))
	if err != nil {
		return nil, err
	}
	settings, err := yaml.AsConf()
	if err != nil {
		return nil, err
	}
	if err := settings.Unmarshal(config); err != nil {
		return nil, err
	}
	if validator, ok := config.(interface{ Validate() error }); ok {
		if err := validator.Validate(); err != nil {
			return nil, err
		}
	}
	sink := new(consumertest.ProfilesSink)
	nop := processortest.NewNopSettings(factory.Type())
	profiles, err := factory.(xprocessor.Factory).CreateProfiles(ctx, nop, config, sink)
	if err != nil {
		return nil, err
	}
	if err := profiles.Start(ctx, componenttest.NewNopHost()); err != nil {
		return nil, err
	}
	request := pprofileotlp.NewExportRequest()
	if err := request.UnmarshalProto(each.Request); err != nil {
		return nil, err
	}
	if err := profiles.ConsumeProfiles(ctx, request.Profiles()); err != nil {
		return nil, err
	}
	if err := profiles.Shutdown(ctx); err != nil {
		return nil, err
	}
	if len(sink.AllProfiles()) == 0 {
		return nil, nil
	}
	return pprofileotlp.NewExportRequestFromProfiles(sink.AllProfiles()[0]).MarshalProto()
}
