import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { buildGo, runGo } from './go-toolchain.ts';

/** Programs of others that the tests run against; absolute paths. */
export interface Peers {
  readonly profcheck: string;
  /** Compose's own reader of compose files. */
  readonly composeSpec: string;
  readonly collector: string;
}

const execFileAsync = promisify(execFile);
const sources = join(import.meta.dirname, 'peers');
const cache = process.env.FRAMEKEEPER_INTEROP_CACHE ?? join(import.meta.dirname, '../../.cache/interop');

/**
 * Where the peers are, built. File names carry a digest of all that pins them, so a changed version is another file
 * and an unchanged one is never built again.
 */
export function locatePeers(): Peers {
  const tools = digestOf('tools/go.mod', 'tools/go.sum');
  return {
    profcheck: join(cache, `profcheck-${tools}`),
    composeSpec: join(cache, `compose-spec-${tools}`),
    collector: join(
      cache,
      `otelcol-profiles-${digestOf('collector/builder.yaml', 'collector/go.mod', 'collector/go.sum', 'tools/go.mod')}`,
    ),
  };
}

/** Builds the peers that the cache lacks; minutes on the first run, nothing after it. */
export async function preparePeers(report: (line: string) => void): Promise<Peers> {
  const peers = locatePeers();
  mkdirSync(cache, { recursive: true });
  for (const [name, output, build] of [
    ['profcheck', peers.profcheck, buildTool('github.com/open-telemetry/sig-profiling/profcheck/cmd/profcheck')],
    ["Compose's file reader", peers.composeSpec, buildTool('github.com/compose-spec/compose-go/v2/cmd')],
    ['the OpenTelemetry Collector', peers.collector, buildCollector],
  ] as const) {
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
  return peers;
}

function buildTool(packagePath: string): (work: string) => Promise<string> {
  return async (work) => {
    const output = join(work, basename(packagePath));
    await buildGo(join(sources, 'tools'), packagePath, output);
    return output;
  };
}

async function buildCollector(work: string): Promise<string> {
  const builder = await buildTool('go.opentelemetry.io/collector/cmd/builder')(work);
  const manifest = join(sources, 'collector/builder.yaml');
  checkManifest(readFileSync(manifest, 'utf8'), readFileSync(join(sources, 'collector/go.mod'), 'utf8'));
  // The builder writes the program; its own way to fetch modules would ignore go.sum, so that part is Go's.
  await execFileAsync(builder, ['--config', manifest, '--skip-get-modules', '--skip-compilation'], { cwd: work });
  const source = join(work, 'source');
  for (const file of ['go.mod', 'go.sum']) cpSync(join(sources, 'collector', file), join(source, file));
  await copyStatusutil(source);
  const output = join(work, 'otelcol-profiles');
  await buildGo(source, '.', output);
  return output;
}

/** @throws Error when the manifest names a module at another version than go.mod. */
function checkManifest(manifest: string, goMod: string): void {
  for (const [, module, version] of manifest.matchAll(/gomod: (\S+) (\S+)/g)) {
    if (goMod.includes(`${module} ${version}\n`)) continue;
    throw new Error(
      `test/interop/peers/collector: go.mod does not require ${module} ${version}; change it with builder.yaml.`,
    );
  }
}

/** The one package that comes from an older core module; go.mod says why. */
async function copyStatusutil(source: string): Promise<void> {
  const core = 'go.opentelemetry.io/collector@v0.162.0';
  const { Dir: folder } = JSON.parse(await runGo(['mod', 'download', '-json', core], source)) as { Dir: string };
  const target = join(source, 'statusutil');
  mkdirSync(target);
  cpSync(join(folder, 'internal/statusutil/helper.go'), join(target, 'helper.go'));
  chmodSync(join(target, 'helper.go'), 0o644);
  writeFileSync(join(target, 'go.mod'), 'module go.opentelemetry.io/collector/internal/statusutil\n\ngo 1.25.0\n');
}

function digestOf(...files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(sources, file)));
  return hash.digest('hex').slice(0, 12);
}
