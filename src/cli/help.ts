/** What `--help` prints. */
export const help = `Framekeeper keeps what eBPF frames are called, and exports OTLP profiles.

Usage:
  framekeeper [serve] --config FILE|URI …   run the service
  framekeeper validate --config FILE|URI …  check a configuration; silent when it is right
  framekeeper print-config --config FILE …  print the merged and expanded configuration
  framekeeper components                    list what can be configured
  framekeeper inspect FILE                  show what is in an OTLP profiles file
  framekeeper convert IN… --to FORMAT       write profiles as pprof, folded stacks, speedscope, SVG or OTLP
  framekeeper replay …                      send a recording as a collector does
  framekeeper demo …                        run the service and replay the bundled recordings into it

Options of serve, validate and print-config:
  --config FILE|URI   a path, file:PATH, env:NAME or yaml:TEXT; repeat to override earlier ones
  --set KEY=VALUE     override one value, e.g. exporters.otlp_grpc.timeout=10s; repeat for more
  --feature-gates IDS taken for the Collector's sake: service.profilesSupport is always on

Options of print-config:
  --mode MODE         redacted (default) or unredacted
  --format FORMAT     yaml (default) or json

  -h, --help          print this
  -v, --version       print the version

Exit codes: 0 done, 1 failed, 2 wrong configuration or command line.
`;
