#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { CommandIo } from './cli/command-io.ts';
import { exitCodes } from './cli/command-io.ts';
import type { Command } from './cli/command-line.ts';
import { parseCommandLine } from './cli/command-line.ts';
import { assertNever } from './support/assert-never.ts';
import { systemClock } from './support/clock.ts';
import { version } from './support/version.ts';

const io: CommandIo = {
  env: process.env,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  readFile: (path) => readFileSync(path, 'utf8'),
};

const terminal = { stdin: process.stdin, columns: process.stdout.columns as number | undefined };

// npm passes on what the terminal has sent to us as well: one Ctrl-C can come twice.
const repeatedSignalMs = 250;

/** Aborts at the first SIGINT or SIGTERM; the second one ends the process at once, with the signal's exit code. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  for (const [signal, number] of [
    ['SIGINT', 2],
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

/** Loads only what the command needs: the service has no use for the parts of the others in its memory. */
async function run(command: Command): Promise<number> {
  switch (command.kind) {
    case 'serve':
      return (await import('./cli/serve.ts')).runServe(command.sources, io, stopSignal());
    case 'demo':
      return (await import('./cli/demo.ts')).runDemo(command.args, io, stopSignal());
    case 'validate':
    case 'print-config':
    case 'components':
      return await runOnConfig(command);
    case 'inspect':
      return (await import('./cli/inspect.ts')).runInspect(command.args, { ...io, ...terminal });
    case 'convert': {
      const stdout = (content: string | Uint8Array): boolean => process.stdout.write(content);
      const convertIo = { stdout, stderr: io.stderr, stdin: process.stdin, isTerminal: process.stdout.isTTY === true };
      return (await import('./cli/convert.ts')).runConvert(command.args, convertIo);
    }
    case 'replay': {
      const { stdout, stderr } = io;
      const replayIo = { stdout, stderr, signal: stopSignal(), clock: systemClock, random: Math.random };
      return (await import('./cli/replay.ts')).runReplay(command.args, replayIo);
    }
    case 'version':
      io.stdout(`framekeeper version ${version}\n`);
      return exitCodes.ok;
    case 'help':
      io.stdout((await import('./cli/help.ts')).help);
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
  const { componentTypes } = await import('./service/components.ts');
  switch (command.kind) {
    case 'validate': {
      const { findPipelineProblems } = await import('./service/pipeline-problems.ts');
      return (await import('./cli/validate.ts')).runValidate(command, componentTypes, io, findPipelineProblems);
    }
    case 'print-config':
      return (await import('./cli/print-config.ts')).runPrintConfig(command, componentTypes, io);
    case 'components':
      return (await import('./cli/components.ts')).runComponents(componentTypes, io);
    default:
      return assertNever(command);
  }
}

/** Resolves once all that was written is with its reader, or the reader has left (`| head`): a pipe takes a long text in parts. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const code = await run(parseCommandLine(process.argv.slice(2)));
await Promise.all([drained(process.stdout), drained(process.stderr)]);
process.exit(code);
