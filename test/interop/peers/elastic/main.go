// Command elastic-exporter hands OTLP profiles to the Collector's Elasticsearch exporter.
//
// Usage: elastic-exporter ENDPOINT FILE
//
// FILE holds export requests as protobuf, each behind its length, 4 bytes big-endian, as a file exporter writes them.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/elasticsearchexporter"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/exporter/xexporter"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: elastic-exporter ENDPOINT FILE")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint, path string) error {
	factory := elasticsearchexporter.NewFactory()
	config := factory.CreateDefaultConfig()
	settings := map[string]any{
		"endpoints": []string{endpoint},
		"retry":     map[string]any{"enabled": false},
	}
	if err := confmap.NewFromStringMap(settings).Unmarshal(config); err != nil {
		return err
	}
	exporter, err := factory.(xexporter.Factory).CreateProfiles(ctx, exportertest.NewNopSettings(factory.Type()), config)
	if err != nil {
		return err
	}
	if err := exporter.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for number := 1; len(file) > 0; number++ {
		end := 4 + binary.BigEndian.Uint32(file)
		request := pprofileotlp.NewExportRequest()
		if err := request.UnmarshalProto(file[4:end]); err != nil {
			return fmt.Errorf("request %d: %w", number, err)
		}
		if err := exporter.ConsumeProfiles(ctx, request.Profiles()); err != nil {
			return fmt.Errorf("request %d: %w", number, err)
		}
		file = file[end:]
	}
	return exporter.Shutdown(ctx)
}
