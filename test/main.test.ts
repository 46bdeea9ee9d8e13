import assert from 'node:assert/strict';
import type { ChildProcessByStdio } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { version } from '../src/support/version.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import type { RunningChild } from './support/child-process.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import { freePorts } from './support/free-ports.ts';

const root = join(import.meta.dirname, '..');
const shippedConfig = join(root, 'otel-config.yaml');
// As a user's shell: what the tests themselves run under must not reach the service.
const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, OTEL_EXPORTER_OTLP_ENDPOINT: ___, ...surroundings } = process.env;

function framekeeper(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningChild {
  return runChild(process.execPath, [join(root, 'src/main.ts'), ...args], { env: { ...surroundings, ...env } });
}

async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = framekeeper(args);
  return { code: await child.ended(), output: child.output() };
}

/** The shipped configuration at free ports. */
async function startShipped(more: readonly string[] = []): Promise<{ child: RunningChild; frames: number }> {
  const [frames, health, http] = (await freePorts(3)) as [number, number, number];
  const sets = [
    `receivers.frames.protocols.grpc.endpoint=127.0.0.1:${frames}`,
    `receivers.otlp.protocols.grpc.endpoint=127.0.0.1:${frames}`,
    `receivers.otlp.protocols.http.endpoint=127.0.0.1:${http}`,
    `extensions.health_check.endpoint=127.0.0.1:${health}`,
    `extensions.live_page.endpoint=127.0.0.1:${health}`,
    'service.telemetry.metrics.level=none',
    ...more,
  ];
  const child = framekeeper(['--config', shippedConfig, ...sets.flatMap((set) => ['--set', set])]);
  await waitForHealth(`http://127.0.0.1:${health}/`, child);
  return { child, frames };
}

function configFile(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

describe('framekeeper', { concurrency: 4 }, () => {
  test('--version tells its version', async () => {
    assert.deepEqual(await run('--version'), { code: 0, output: `framekeeper version ${version}\n` });
  });

  test('components lists what can stand in a configuration', async () => {
    const { code, output } = await run('components');
    assert.equal(code, 0);
    for (const type of ['frames', 'symbol_store', 'reporting_cycle', 'otlp_grpc', 'health_check']) {
      assert.match(output, new RegExp(`name: ${type}\\b`));
    }
  });

  test('validate has nothing to say of the shipped configuration', async () => {
    assert.deepEqual(await run('validate', '--config', shippedConfig), { code: 0, output: '' });
  });

  test('ends with 2 for a faulty configuration, and names every fault', async (context) => {
    const path = configFile(context, 'receivers: {frame: {}}\nexporters: {debug: {verbosit: basic}}\n');
    for (const args of [
      ['--config', path],
      ['validate', '--config', path],
    ]) {
      const { code, output } = await run(...args);
      assert.equal(code, 2);
      assert.match(output, /receivers\.frame: .*did you mean "frames"/);
      assert.match(output, /exporters\.debug\.verbosit/);
    }
  });

  test('ends with 2 for arguments that it does not know', async () => {
    const { code, output } = await run('validat');
    assert.deepEqual(
      { code, output },
      { code: 2, output: 'Error: unknown command "validat"; did you mean "validate"?\n' },
    );
  });

  test('a reader of its output gets the end of a long text', async (context) => {
    const data = goodProfiles();
    const [one] = data.resourceProfiles;
    data.resourceProfiles = Array.from({ length: 3_000 }, (_, index) => {
      return {
        ...one!,
        resource: { ...one!.resource, attributes: [{ key: 'service.name', value: `service ${index}` }] },
      };
    });
    const file = configFile(context, '');
    writeFileSync(file, encodeProfilesData(data));
    const { code, output } = await run('inspect', '--json', file);
    assert.equal(code, 0);
    assert.match(output.slice(-100), /\n\}\n$/);
  });

  test('ends with 1 when a port is taken, and says once which', async (context) => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port));
    });
    context.after(() => taken.close());
    const set = (value: string): string[] => ['--set', value];
    const { code, output } = await run(
      ...['--config', shippedConfig, ...set('service.telemetry.metrics.level=none')],
      ...set(`receivers.frames.protocols.grpc.endpoint=127.0.0.1:${port}`),
      ...['extensions.health_check', 'extensions.live_page'].flatMap((each) => set(`${each}.endpoint=127.0.0.1:0`)),
    );
    assert.equal(code, 1);
    assert.equal(output.match(/cannot listen on 127\.0\.0\.1/g)?.length, 1, output);
  });

  test('runs the shipped configuration, and ends with 0 at SIGTERM', async () => {
    const { child } = await startShipped();
    assert.equal(await child.stop(), 0);
    assert.match(child.output(), /Shutdown complete\.\n$/);
    assert.doesNotMatch(child.output(), /\t(?:warn|error)\t/);
  });

  test('ends at once, with 143, at a second SIGTERM', async () => {
    const { child, frames } = await startShipped();
    const session = connect(`http://127.0.0.1:${frames}`);
    session.on('error', () => undefined);
    await once(session, 'connect');
    // A call that never ends holds up the stop.
    const path = '/framekeeper.frames.v1.FramesService/Submit';
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    call.on('error', () => undefined);
    await new Promise((resolve) => call.write(Buffer.alloc(3), resolve));
    // The answer to a ping comes after the server has read what was sent before it.
    await new Promise((resolve) => session.ping(resolve));
    const ended = child.stop();
    await wait(400);
    assert.equal(child.hasEnded(), false, child.output());
    void child.stop();
    assert.equal(await ended, 143);
    session.destroy();
  });

  const isLinux = process.platform === 'linux';
  test('demo --once replays into the shipped configuration and ends with 0', { skip: !isLinux }, async () => {
    // Linux answers at all of 127/8, so that the shipped ports are free at an address that nobody else uses.
    const host = `127.${(process.pid >> 8) & 255}.${process.pid & 255}.7`;
    const child = framekeeper(['demo', '--once', '--speed', 'max', 'node'], { FRAMEKEEPER_HOST: host });
    assert.equal(await child.ended(), 0, child.output());
    const output = child.output();
    assert.ok(output.includes(`http://${host}:13133/live`), output);
    assert.match(output, /285 samples sent and accepted, 0 rejected/);
    assert.match(output, /"sample records":\d+/);
    assert.doesNotMatch(output, /\t(?:warn|error)\t/);
  });

  test('SIGHUP reads the configuration again, SIGUSR1 opens no debugger, SIGUSR2 changes nothing, and SIGQUIT stops', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-signals-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'config.yaml');
    const write = (verbosity: string): void =>
      writeFileSync(
        file,
        `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}, reporting_cycle: {}}
exporters: {debug: {verbosity: ${verbosity}}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [debug]}}
  telemetry: {metrics: {readers: []}}
`,
      );
    write('basic');
    const child = framekeeper(['--config', file]);
    const until = async (text: string): Promise<void> => {
      while (!child.output().includes(text)) {
        assert.equal(child.hasEnded(), false, child.output());
        await wait(20);
      }
    };
    await until('Everything is ready');
    write('detailed');
    process.kill(child.pid, 'SIGHUP');
    await until('The configuration was reloaded.');
    write('loud');
    process.kill(child.pid, 'SIGHUP');
    await until('nothing has changed');
    process.kill(child.pid, 'SIGUSR1');
    process.kill(child.pid, 'SIGUSR2');
    await until('SIGUSR2 has no meaning here');
    process.kill(child.pid, 'SIGQUIT');
    assert.equal(await child.ended(), 0, child.output());
    assert.match(child.output(), /Shutdown complete/);
    assert.doesNotMatch(child.output(), /Debugger listening/);
  });

  test('SIGHUP changes cycle, log level, health and a receiver while the process goes on', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-signals-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'config.yaml');
    const [frames, otlp, health] = (await freePorts(3)) as [number, number, number];
    const write = (interval: string, level: string, path: string, mib: number): void =>
      writeFileSync(
        file,
        `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:${frames}"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${otlp}", max_recv_msg_size_mib: ${mib}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: ${interval}}}
exporters: {debug: {}}
extensions: {health_check: {endpoint: "127.0.0.1:${health}", path: ${path}}}
service:
  extensions: [health_check]
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [debug]}}
  telemetry: {logs: {level: ${level}, encoding: json}, metrics: {readers: []}}
`,
      );
    write('1h', 'warn', '/', 4);
    const child = framekeeper(['--config', file]);
    const statusOf = (path: string): Promise<number> =>
      fetch(`http://127.0.0.1:${health}${path}`).then(
        ({ status }) => status,
        () => 0,
      );
    while ((await statusOf('/readyz')) !== 200) assert.equal(child.hasEnded(), false, child.output());
    write('10ms', 'info', '/up', 8);
    process.kill(child.pid, 'SIGHUP');
    while (!child.output().includes('The configuration was reloaded.')) {
      assert.equal(child.hasEnded(), false, child.output());
      await wait(20);
    }
    const told = child
      .output()
      .split('\n')
      .find((line) => line.includes('The configuration was reloaded.'))!;
    const { started, changed, restart } = JSON.parse(told);
    assert.deepEqual(
      [started, changed, restart],
      [['receivers.otlp', 'extensions.health_check'], ['processors.reporting_cycle'], []],
    );
    assert.deepEqual([await statusOf('/up'), await statusOf('/')], [200, 404]);
    process.kill(child.pid, 'SIGTERM');
    assert.equal(await child.ended(), 0, child.output());
  });

  /** A command that prints a megabyte. */
  function printMuch(): ChildProcessByStdio<null, Readable, Readable> {
    const exporters = Array.from({ length: 2000 }, (_, index) => `debug/${index}: {}`).join(', ');
    const parts = 'receivers: {frames: {protocols: {grpc: {}}}}, processors: {symbol_store: {}, reporting_cycle: {}}';
    const pipelines =
      '{profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [debug/0]}}';
    const text = `{${parts}, exporters: {${exporters}}, service: {pipelines: ${pipelines}}}`;
    const args = [join(root, 'src/main.ts'), 'print-config', '--config', 'env:CONFIG'];
    return spawn(process.execPath, args, { env: { ...surroundings, CONFIG: text }, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  test('a command prints all it has to say, however slow its reader is', async () => {
    const { stdout, stderr } = printMuch();
    stderr.resume();
    let bytes = 0;
    let end = '';
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      end = (end + chunk.toString()).slice(-100);
    }
    assert.ok(bytes > 500_000, String(bytes));
    assert.ok(end.endsWith('address: localhost:8888\n'), end);
  });

  test('a reader that leaves early is no fault', async () => {
    const child = printMuch();
    await once(child.stdout, 'readable');
    child.stdout.destroy();
    const [errors, [code]] = await Promise.all([readText(child.stderr), once(child, 'close')]);
    assert.doesNotMatch(errors, /EPIPE|at /);
    assert.equal(code, 0);
  });

  const oldNode = findOldNode();
  test('an older Node.js says in one sentence which one is needed', {
    skip: oldNode === undefined && 'no Node.js before 22.18 is installed',
  }, () => {
    const { status, stdout, stderr } = spawnSync(oldNode!, [join(root, 'src/main.ts'), '--version'], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^framekeeper needs Node\.js 22\.19 or newer and runs on \d+\.\d+\.\d+; .*\.\n$/);
  });

  test('demo says what is wrong with its arguments before it starts anything', async () => {
    for (const args of [['--sped', '2'], ['--endpoint', 'localhost:1'], ['--help']]) {
      const { code, output } = await run('demo', ...args);
      assert.equal(code, args.includes('--help') ? 0 : 2);
      assert.doesNotMatch(output, /Starting framekeeper/);
    }
  });
});

/** A Node.js of the system that cannot run TypeScript; `undefined` where there is none. */
function findOldNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8' });
      return Number(/^v(\d+)/.exec(version)?.[1]) < 22;
    } catch {
      return false;
    }
  });
}
