import { readFileSync } from 'node:fs';
import { systemClock } from '../support/clock.ts';
import { spareEngine } from '../support/engine-effort.ts';
import { version } from '../support/version.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import type { Command } from './command-line.ts';
import { parseCommandLine } from './command-line.ts';
import type { OnSignal } from './serve.ts';
import type { Terminal } from './top.ts';

const io: CommandIo = {
  env: process.env,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  readFile: (path) => readFileSync(path, 'utf8'),
};

const terminal = { stdin: process.stdin, columns: process.stdout.columns as number | undefined };

/** Runs the command of this process's arguments and ends the process with the command's exit code. */
export async function runProcess(): Promise<void> {
  // Without a listener Node.js would open its debugger to whoever may send the signal.
  process.on('SIGUSR1', () => undefined);
  // A reader that has seen enough, such as `head`, closes its end: nothing is left to say to it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const code = await run(parseCommandLine(process.argv.slice(2)));
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(code);
}

/** Resolves once everything written to a stream has left the process: a pipe takes 64 KiB at a time. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Called at once on a stream that is destroyed, and after an error.
    stream.write('', () => resolve());
  });
}

// npm passes on signals of the terminal as well: one Ctrl-C can come twice.
const repeatedSignalMs = 250;

/** Aborts at the first SIGINT, SIGTERM or SIGQUIT; the second one ends the process at once, with the signal's exit code. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGQUIT', 3],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      if (!stop.signal.aborted) firstMs = systemClock.nowMs();
      else if (systemClock.nowMs() - firstMs > repeatedSignalMs) process.exit(128 + number);
      stop.abort();
    });
  }
  return stop.signal;
}

/** The terminal, for a command that fills it. */
function screen(): Terminal | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || process.env.TERM === 'dumb') return undefined;
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    listen: (onKey) => {
      const listener = (bytes: Buffer): void => onKey(bytes.toString());
      stdin.setRawMode(true).on('data', listener).resume();
      return () => {
        stdin.setRawMode(false).off('data', listener).pause();
      };
    },
  };
}

/** Loads only the parts of the command: the service must not carry those of other commands in its memory. In the executable they are one script. */
async function run(command: Command): Promise<number> {
  switch (command.kind) {
    case 'serve': {
      // A hundred modules are enough to make functions of the loader hot.
      spareEngine(true);
      const { runServe } = await import('./serve.ts');
      const onSignal: OnSignal = (signal, handle) => void process.on(signal, handle);
      return runServe(command.sources, io, stopSignal(), undefined, onSignal);
    }
    case 'demo':
      return (await import('./demo.ts')).runDemo(command.args, io, stopSignal());
    case 'validate':
    case 'print-config':
    case 'components':
      return await runOnConfig(command);
    case 'inspect':
      return (await import('./inspect.ts')).runInspect(command.args, { ...io, ...terminal });
    case 'convert': {
      const stdout = (content: string | Uint8Array): boolean => process.stdout.write(content);
      const convertIo = { stdout, stderr: io.stderr, stdin: process.stdin, isTerminal: process.stdout.isTTY === true };
      return (await import('./convert.ts')).runConvert(command.args, convertIo);
    }
    case 'replay': {
      const replayIo = { ...io, signal: stopSignal(), clock: systemClock, random: Math.random };
      return (await import('./replay.ts')).runReplay(command.args, replayIo);
    }
    case 'top':
      return (await import('./top.ts')).runTop(command.args, { ...io, signal: stopSignal(), terminal: screen() });
    case 'tap':
      return (await import('./tap.ts')).runTap(command.args, { ...io, signal: stopSignal() });
    case 'version':
      io.stdout(`framekeeper version ${version}\n`);
      return exitCodes.ok;
    case 'help':
      io.stdout((await import('./help.ts')).helpOf(command.of));
      return exitCodes.ok;
    case 'usage-error':
      io.stderr(`Error: ${command.message}\n`);
      return exitCodes.usage;
    default:
      return assertNever(command);
  }
}

async function runOnConfig(
  command: Extract<Command, { kind: 'validate' | 'print-config' | 'components' }>,
): Promise<number> {
  const { componentTypes } = await import('../service/components.ts');
  const { findPipelineProblems } = await import('../service/pipeline-problems.ts');
  switch (command.kind) {
    case 'validate':
      return (await import('./validate.ts')).runValidate(command, componentTypes, io, findPipelineProblems);
    case 'print-config':
      return (await import('./print-config.ts')).runPrintConfig(command, componentTypes, io, findPipelineProblems);
    case 'components':
      return (await import('./components.ts')).runComponents(componentTypes, io);
    default:
      return assertNever(command);
  }
}

/** Ends a `switch` over a closed set: does not compile while a case is missing. */
function assertNever(value: never): never {
  throw new TypeError(`unexpected value: ${String(value)}`);
}
