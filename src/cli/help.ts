/** HelpTopic is a command whose `--help` is here; `inspect`, `convert`, `replay`, `demo`, `top` and `tap` print their own. */
export type HelpTopic = 'serve' | 'validate' | 'print-config' | 'components' | undefined;

/** The text of `--help`: of one command, or of all. */
export function helpOf(topic: HelpTopic): string {
  return topic === undefined ? all : ofCommand[topic];
}

const all = `Framekeeper keeps the names of eBPF frames, and exports OTLP profiles.

Usage:
  framekeeper [serve] --config FILE|URI …   run the service
  framekeeper validate --config FILE|URI …  check a configuration; silent when it is right
  framekeeper print-config --config FILE …  print what a configuration comes to, defaults included
  framekeeper components                    list the components that can be configured
  framekeeper inspect FILE                  show the contents of an OTLP profiles file
  framekeeper convert IN… --to FORMAT       write profiles as pprof, folded stacks, speedscope, SVG or OTLP
  framekeeper top …                         rank what a running service reports, in the terminal
  framekeeper tap …                         print the stacks that a running service reports
  framekeeper replay …                      send a recording as a collector does
  framekeeper demo …                        run the service and replay the bundled recordings into it

  -h, --help          print this; "framekeeper COMMAND --help" prints the options of a command
  -v, --version       print the version

Exit codes: 0 done, 1 failed, 2 wrong configuration or command line.
`;

const sources = `  --config FILE|URI   a path, file:PATH, env:NAME or yaml:TEXT; repeat to override earlier ones
  --set KEY=VALUE     override one value, e.g. exporters.otlp_grpc.timeout=10s; repeat for more
  --feature-gates IDS taken for the Collector's sake: service.profilesSupport is always on
`;

const ofCommand: Record<NonNullable<HelpTopic>, string> = {
  serve: `Usage: framekeeper [serve] --config FILE|URI [options]

Runs the service. SIGTERM, SIGINT and SIGQUIT stop it: the last window is reported and the queues are sent, for 25 s at
most; a second signal ends it at once. SIGHUP reads the configuration again; a faulty one changes nothing.

${sources}
Exit codes: 0 after a stop, 1 a part could not start, 2 wrong configuration or command line.
`,
  validate: `Usage: framekeeper validate --config FILE|URI [options]

Checks a configuration without starting anything. All faults are printed at once, each with its path and remedy; a
configuration that is right prints nothing, or warnings.

${sources}  --json              print faults and warnings as JSON

Exit codes: 0 right, 2 wrong configuration or command line.
`,
  'print-config': `Usage: framekeeper print-config --config FILE|URI [options]

Prints what a configuration comes to: merged, expanded, and with the defaults of all keys.

${sources}  --mode MODE         redacted (default): secrets are [REDACTED]; or unredacted
  --format FORMAT     yaml (default) or json

Exit codes: 0 done, 2 wrong configuration or command line.
`,
  components: `Usage: framekeeper components

Lists the components that can be configured, as YAML in the shape of the Collector's command.
`,
};
