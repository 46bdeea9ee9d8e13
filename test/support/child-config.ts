import { stringify } from 'yaml';

export interface ChildParts {
  readonly receivers: object;
  readonly processors: object;
  readonly exporters: object;
  /** Beside `health_check`. */
  readonly extensions?: object;
  readonly healthPort: number;
  /** Without one, the service measures nothing. */
  readonly metricsPort?: number | undefined;
}

/** The configuration of a service in a process of its own, with all of `parts` in one pipeline, as YAML. */
export function childConfig({ healthPort, metricsPort, extensions: more, ...parts }: ChildParts): string {
  const extensions = { health_check: { endpoint: `127.0.0.1:${healthPort}` }, ...more };
  const idsOf = ([kind, section]: [string, object]): [string, string[]] => [kind, Object.keys(section)];
  const prometheus = { host: '127.0.0.1', port: metricsPort };
  const metrics = metricsPort === undefined ? { level: 'none' } : { readers: [{ pull: { exporter: { prometheus } } }] };
  return stringify({
    ...parts,
    extensions,
    service: {
      extensions: Object.keys(extensions),
      pipelines: { profiles: Object.fromEntries(Object.entries(parts).map(idsOf)) },
      telemetry: { metrics },
    },
  });
}
