import { formatEndpoint } from '../config/endpoint.ts';
import type { Service } from '../service/service.ts';
import { systemClock } from '../support/clock.ts';
import { readProgramFile } from '../support/program-files.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { parseReplayOptions } from './replay/replay-options.ts';
import { runReplay } from './replay.ts';

/** A line in the log about each report, beside the destination that the environment names. */
const reportsInLog = ['exporters.debug.verbosity=basic', 'service.pipelines.profiles.exporters=[debug,otlp_grpc]'];

/**
 * `framekeeper demo`: the service with the shipped configuration, and the bundled recordings replayed into it. Takes the
 * options of `replay` but for `--endpoint`. Exit code 0 after `--once` or an interrupt, else that of what failed.
 */
export async function runDemo(args: readonly string[], io: CommandIo, stop: AbortSignal): Promise<number> {
  const { stdout, stderr } = io;
  const replayIo = { ...io, signal: stop, clock: systemClock, random: Math.random };
  const parsed = parseReplayOptions(args);
  if (parsed.kind === 'help') stdout(demoHelp);
  // Faulty arguments and lists are told before anything starts.
  if (parsed.kind !== 'options') return runReplay(args, replayIo);
  if (args.some((arg) => /^--endpoint(=|$)/.test(arg))) {
    stderr(
      'framekeeper demo: --endpoint: the demo sends to its own service; use framekeeper replay to send elsewhere.\n',
    );
    return exitCodes.usage;
  }
  // Nobody whose arguments are at fault waits for the parts of the service to load.
  const { runServe } = await import('./serve.ts');
  const whenReady = (service: Service): Promise<number> => {
    stdout(`${whereToLook(service)}\n`);
    const [port] = service.receiverPorts.values();
    return runReplay(['--endpoint', `${hostOf(io.env)}:${port}`, ...args], replayIo);
  };
  return runServe(
    { configs: [`yaml:${readProgramFile('../otel-config.yaml')}`], sets: reportsInLog },
    io,
    stop,
    whenReady,
  );
}

const demoHelp = `framekeeper demo: the service with the shipped otel-config.yaml, and recordings replayed into it. Takes the options of
framekeeper replay but for --endpoint:

`;

/** Host on which the shipped configuration lets the service listen. */
function hostOf({ FRAMEKEEPER_HOST: host = '' }: NodeJS.ProcessEnv): string {
  return ['', '0.0.0.0', '::', '[::]'].includes(host) ? 'localhost' : host;
}

function whereToLook(service: Service): string {
  const lines = ['', 'Framekeeper is running, and the recordings are being replayed into it. Have a look at'];
  for (const [parts, endpoint] of service.httpAddresses) {
    const base = `http://${formatEndpoint(endpoint)}`;
    if (parts.includes('live_page')) lines.push(`  ${base}/live     a flame graph of what has just been reported`);
    if (parts.includes('health_check')) lines.push(`  ${base}/status   health`);
    if (parts.includes('metrics')) lines.push(`  ${base}/metrics   what it counts`);
  }
  lines.push('The first report comes after five seconds. Ctrl-C stops.', '');
  return lines.join('\n');
}
