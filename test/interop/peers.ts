import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CollectorVersion } from './build-collector.ts';
import { buildCollector, collectorPins, collectorVersions } from './build-collector.ts';
import { buildGo } from './go-toolchain.ts';

/** Programs of others that the tests run against; absolute paths. */
export interface Peers {
  readonly profcheck: string;
  /** The example in Go that takes stacks by BPF and speaks the raw protocol. */
  readonly ebpfCollector: string;
  readonly helm: string;
  /** Makes many calls at once through grpc-go; a program of ours around it. */
  readonly grpcClient: string;
  /** Tests servers of HTTP/2 against the rules of RFC 7540 and 7541. */
  readonly h2spec: string;
  /** Reads Kubernetes objects strictly; a program of ours around Kubernetes' own types. */
  readonly kubernetesObjects: string;
  /** Compose's own reader of compose files. */
  readonly composeSpec: string;
  /** A program of ours around pprof's own library. */
  readonly pprof: string;
  /** Say how the Collector renders profiles; a program of ours around the Collector's code. */
  readonly pdata: Readonly<Record<PdataVersion, string>>;
  /** A program of ours around the reporter of the OpenTelemetry eBPF profiler. */
  readonly ebpfReporter: string;
  /** Runs the Collector's processors `filter` and `resource`; a program of ours around them. */
  readonly processors: string;
  /** Hands profiles to the Collector's Elasticsearch exporter; a program of ours around it. */
  readonly elasticExporter: string;
  /** The profiling backend, its server without the user interface. */
  readonly parca: string;
  readonly collectors: Readonly<Record<CollectorVersion, string>>;
}

/**
 * Releases of the Collector's code whose wire differs: that of proto v1.7, v1.8, v1.9, and the current one. All are
 * built around the same releases of other modules, which so compile once.
 */
export const pdataVersions = ['0.133', '0.136', '0.145', '0.164'] as const;

export type PdataVersion = (typeof pdataVersions)[number];

const sources = join(import.meta.dirname, 'peers');
const cache = process.env.FRAMEKEEPER_INTEROP_CACHE ?? join(import.meta.dirname, '../../.cache/interop');
const collectorExample = '../../../examples/ebpf-collector';
const collectorSources = [
  'main.go',
  'sampler.go',
  'processes.go',
  'batch.go',
  'stream.go',
  'go.mod',
  'go.sum',
  'framespb/frames.pb.go',
].map((file) => `${collectorExample}/${file}`);
const toolPins = ['tools/go.mod', 'tools/go.sum'];

/**
 * Where the peers are, built. File names carry a digest of all that pins them, so a changed version is another file
 * and an unchanged one is never built again.
 */
export function locatePeers(): Peers {
  return {
    profcheck: cached('profcheck', toolPins),
    composeSpec: cached('compose-spec', toolPins),
    ebpfCollector: cached('ebpf-collector', collectorSources),
    grpcClient: cached('grpc-client', ['grpc-client/main.go', 'grpc-client/go.mod', 'grpc-client/go.sum']),
    h2spec: cached('h2spec', ['h2spec/go.mod', 'h2spec/go.sum']),
    helm: cached('helm', ['kubernetes/go.mod', 'kubernetes/go.sum']),
    kubernetesObjects: cached(
      'kubernetes-objects',
      ['main.go', 'go.mod', 'go.sum'].map((file) => `kubernetes/${file}`),
    ),
    pprof: cached(
      'pprof',
      ['main.go', 'go.mod', 'go.sum'].map((file) => `pprof/${file}`),
    ),
    pdata: byVersion(pdataVersions, (version) =>
      cached(
        `pdata-${version}`,
        ['main.go', `${version}.mod`, `${version}.sum`].map((file) => `pdata/${file}`),
      ),
    ),
    collectors: byVersion(collectorVersions, (version) =>
      cached(`otelcol-${version}`, [...collectorPins(version), 'tools/go.mod']),
    ),
    elasticExporter: cached('elastic-exporter', ['elastic/main.go', 'elastic/go.mod', 'elastic/go.sum']),
    processors: cached('processors', ['processors/main.go', 'processors/go.mod', 'processors/go.sum']),
    parca: cached('parca', ['parca/go.mod', 'parca/go.sum']),
    ebpfReporter: cached('ebpf-reporter', ['ebpf-reporter/main.go', 'ebpf-reporter/go.mod', 'ebpf-reporter/go.sum']),
  };
}

function byVersion<Version extends string>(
  versions: readonly Version[],
  locate: (version: Version) => string,
): Record<Version, string> {
  return Object.fromEntries(versions.map((version) => [version, locate(version)])) as Record<Version, string>;
}

/** A peer, the file it becomes, and what makes it in the folder `work`; resolves to the program. */
type Build = readonly [name: string, output: string, build: (work: string) => Promise<string>];

/** Builds the peers that the cache lacks; minutes on the first run, nothing after it. */
export async function preparePeers(report: (line: string) => void): Promise<void> {
  const peers = locatePeers();
  const collectors = collectorVersions.map((version): Build => {
    const builder = tool('go.opentelemetry.io/collector/cmd/builder');
    const build = async (work: string): Promise<string> => buildCollector(version, await builder(work), work);
    return [`the OpenTelemetry Collector ${version}`, peers.collectors[version], build];
  });
  const pdata = pdataVersions.map((version): Build => {
    const build = (work: string): Promise<string> => command('pdata', '.', join(work, 'pdata'), `${version}.mod`);
    return [`the Collector ${version}'s rendering of profiles`, peers.pdata[version], build];
  });
  const builds: Build[] = [
    ['profcheck', peers.profcheck, tool('github.com/open-telemetry/sig-profiling/profcheck/cmd/profcheck')],
    ["Compose's file reader", peers.composeSpec, tool('github.com/compose-spec/compose-go/v2/cmd')],
    [
      'the example ebpf-collector',
      peers.ebpfCollector,
      (work) => command(collectorExample, '.', join(work, 'collector')),
    ],
    ["grpc-go's client", peers.grpcClient, (work) => command('grpc-client', '.', join(work, 'grpc-client'))],
    [
      'h2spec',
      peers.h2spec,
      (work) => command('h2spec', 'github.com/summerwind/h2spec/cmd/h2spec', join(work, 'h2spec')),
    ],
    ['Helm', peers.helm, (work) => command('kubernetes', 'helm.sh/helm/v3/cmd/helm', join(work, 'helm'))],
    ['the types of Kubernetes', peers.kubernetesObjects, (work) => command('kubernetes', '.', join(work, 'objects'))],
    ["pprof's library", peers.pprof, (work) => command('pprof', '.', join(work, 'pprof'))],
    ...pdata,
    [
      "the eBPF profiler's reporter",
      peers.ebpfReporter,
      (work) => command('ebpf-reporter', '.', join(work, 'ebpf-reporter')),
    ],
    [
      "the Collector's Elasticsearch exporter",
      peers.elasticExporter,
      (work) => command('elastic', '.', join(work, 'elastic-exporter')),
    ],
    [
      "the Collector's processors",
      peers.processors,
      (work) => command('processors', '.', join(work, 'collector-processors')),
    ],
    ...collectors,
    ['Parca', peers.parca, (work) => command('parca', 'github.com/parca-dev/parca/cmd/parca', join(work, 'parca'))],
  ];
  const forgotten = Object.values(peers)
    .flatMap((located: string | Record<string, string>) =>
      typeof located === 'string' ? located : Object.values(located),
    )
    .filter((path) => !builds.some(([, output]) => output === path));
  if (forgotten.length > 0) throw new Error(`test/interop/peers.ts: nothing builds ${forgotten.join(', ')}.`);
  mkdirSync(cache, { recursive: true });
  for (const [name, output, build] of builds) {
    if (existsSync(output)) continue;
    report(`Building ${name} …`);
    const started = performance.now();
    const work = mkdtempSync(join(cache, 'work-'));
    try {
      // Renamed when whole: a build that was cut short leaves nothing that looks finished.
      renameSync(await build(work), output);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    report(`Built ${name} in ${Math.round((performance.now() - started) / 1000)} s.`);
  }
}

/** Builds a command that the module `tools` pins. */
function tool(packagePath: string): (work: string) => Promise<string> {
  return (work) => command('tools', packagePath, join(work, basename(packagePath)));
}

async function command(folder: string, packagePath: string, output: string, modFile?: string): Promise<string> {
  await buildGo(join(sources, folder), packagePath, output, modFile);
  return output;
}

function cached(name: string, pins: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of pins) hash.update(readFileSync(join(sources, file)));
  return join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`);
}
