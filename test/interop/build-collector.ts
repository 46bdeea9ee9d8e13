import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGo, runGo } from './go-toolchain.ts';

/**
 * Releases of the Collector that we run against, oldest first, each on another side of a change to profiles:
 *
 * - 0.159 writes attributes with their text inline, and resolves no references to the string table that come by OTLP.
 * - 0.161 refers to the string table over HTTP, as both protocols now may; over gRPC it is as before.
 * - 0.164 refers to it over gRPC too, and sends and checks `otlp-profiles-development-version`.
 *
 * All of them have the field numbers of proto v1.10.
 */
export const collectorVersions = ['0.159', '0.161', '0.164'] as const;

export type CollectorVersion = (typeof collectorVersions)[number];

/** The newest release of which every module proxy has all modules. */
export const newestCollector = '0.164';

/** Files below `peers` that pin what `buildCollector` makes. */
export function collectorPins(version: CollectorVersion): string[] {
  return ['collector/builder.yaml', ...['go.mod', 'go.sum'].map((file) => `collector/${version}/${file}`)];
}

const execFileAsync = promisify(execFile);
const pins = join(import.meta.dirname, 'peers/collector');

/** Builds a Collector in the folder `work` and resolves to the program; `builder` is the Collector Builder. */
export async function buildCollector(version: CollectorVersion, builder: string, work: string): Promise<string> {
  const goMod = readFileSync(join(pins, version, 'go.mod'), 'utf8');
  const manifest = join(work, 'builder.yaml');
  writeFileSync(manifest, withVersions(readFileSync(join(pins, 'builder.yaml'), 'utf8'), goMod));
  // The builder writes the program; its own way to fetch modules would ignore go.sum, so that part is Go's.
  await execFileAsync(builder, ['--config', manifest, '--skip-get-modules', '--skip-compilation'], { cwd: work });
  const source = join(work, 'source');
  for (const file of ['go.mod', 'go.sum']) cpSync(join(pins, version, file), join(source, file));
  if (goMod.includes('=> ./statusutil')) await copyStatusutil(source);
  const output = join(work, 'otelcol-profiles');
  await buildGo(source, '.', output);
  return output;
}

/** The manifest names modules; their versions stand in go.mod alone. */
function withVersions(manifest: string, goMod: string): string {
  const lines = goMod.split('\n').map((line) => line.trim());
  const versionOf = (module: string): string => {
    const required = lines.find((line) => line.startsWith(`${module} v`));
    if (required === undefined) throw new Error(`test/interop/peers/collector: go.mod does not require ${module}.`);
    return required.split(' ')[1]!;
  };
  return manifest
    .replace(/(?<=gomod: )\S+$/gm, (module) => `${module} ${versionOf(module)}`)
    .replace(/(?<=version: )OTELCOL$/m, versionOf('go.opentelemetry.io/collector/otelcol').slice(1));
}

/** The one package that comes from an older core module; go.mod of the newest Collector says why. */
async function copyStatusutil(source: string): Promise<void> {
  const core = 'go.opentelemetry.io/collector@v0.162.0';
  const { Dir: folder } = JSON.parse(await runGo(['mod', 'download', '-json', core], source)) as { Dir: string };
  const target = join(source, 'statusutil');
  mkdirSync(target);
  cpSync(join(folder, 'internal/statusutil/helper.go'), join(target, 'helper.go'));
  chmodSync(join(target, 'helper.go'), 0o644);
  writeFileSync(join(target, 'go.mod'), 'module go.opentelemetry.io/collector/internal/statusutil\n\ngo 1.25.0\n');
}
