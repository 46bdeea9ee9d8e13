import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/** Go's oldest release that the peers build with: the Collector's modules ask for it. */
const oldestGo = { major: 1, minor: 26 };

/** Undefined when a Go that can build the peers is on the machine, else the reason why not. */
export async function whyGoIsUnusable(): Promise<string | undefined> {
  const needed = `Go ${oldestGo.major}.${oldestGo.minor} or newer`;
  let version: string;
  try {
    version = (await runGo(['env', 'GOVERSION'])).trim();
  } catch {
    return `${needed} is not installed`;
  }
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  const isOlder = Number(major) === oldestGo.major && Number(minor) < oldestGo.minor;
  return major === undefined || isOlder ? `${needed} is needed, this is "${version}"` : undefined;
}

/**
 * Runs `go` and resolves to what it wrote to stdout. The host's flags and workspace do not take part: what comes out
 * depends on the committed go.mod and go.sum alone. Two compilers at a time: CI machines have two cores.
 */
export async function runGo(args: readonly string[], folder?: string): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOMAXPROCS: '2', GOWORK: 'off' };
  const { stdout } = await execFileAsync('go', [...args], { ...(folder && { cwd: folder }), env, maxBuffer: 64 << 20 });
  return stdout;
}

/** Compiles one command of the module in `folder` to the file `output`; `modFile` takes the place of its go.mod. */
export async function buildGo(folder: string, packagePath: string, output: string, modFile?: string): Promise<void> {
  const flags = ['-p', '2', '-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
  if (modFile !== undefined) flags.push(`-modfile=${modFile}`);
  await runGo(['build', ...flags, '-o', output, packagePath], folder);
}
