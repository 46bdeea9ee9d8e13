#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { CommandIo } from './cli/command-io.ts';
import { exitCodes } from './cli/command-io.ts';
import type { Command } from './cli/command-line.ts';
import { parseCommandLine } from './cli/command-line.ts';
import { runComponents } from './cli/components.ts';
import { help } from './cli/help.ts';
import { runInspect } from './cli/inspect.ts';
import { runPrintConfig } from './cli/print-config.ts';
import { runReplay } from './cli/replay.ts';
import { runValidate } from './cli/validate.ts';
import { componentTypes } from './components.ts';
import { runDemo } from './demo.ts';
import { findPipelineProblems } from './pipeline.ts';
import { runServe } from './serve.ts';
import { assertNever } from './support/assert-never.ts';
import { systemClock } from './support/clock.ts';
import { version } from './support/version.ts';

const io: CommandIo = {
  env: process.env,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  readFile: (path) => readFileSync(path, 'utf8'),
};

/** Aborts at the first SIGINT or SIGTERM; the second one ends the process at once, with the signal's exit code. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + number);
      stop.abort();
    });
  }
  return stop.signal;
}

async function run(command: Command): Promise<number> {
  switch (command.kind) {
    case 'serve':
      return runServe(command.sources, io, stopSignal());
    case 'demo':
      return runDemo(command.args, io, stopSignal());
    case 'validate':
      return runValidate(command, componentTypes, io, findPipelineProblems);
    case 'print-config':
      return runPrintConfig(command, componentTypes, io);
    case 'components':
      return runComponents(componentTypes, io);
    case 'inspect':
      return runInspect(command.args, io);
    case 'replay': {
      const { stdout, stderr } = io;
      const replayIo = { stdout, stderr, signal: stopSignal(), clock: systemClock, random: Math.random };
      return runReplay(command.args, replayIo);
    }
    case 'version':
      io.stdout(`framekeeper version ${version}\n`);
      return exitCodes.ok;
    case 'help':
      io.stdout(help);
      return exitCodes.ok;
    case 'usage-error':
      io.stderr(`Error: ${command.message}\n`);
      return exitCodes.usage;
    default:
      return assertNever(command);
  }
}

process.exit(await run(parseCommandLine(process.argv.slice(2))));
