import { fileURLToPath } from 'node:url';
import type { CommandIo } from './cli/command-io.ts';
import { runReplay } from './cli/replay.ts';
import { formatEndpoint } from './http/endpoint.ts';
import { runServe } from './serve.ts';
import type { Service } from './service.ts';
import { systemClock } from './support/clock.ts';

const shippedConfig = fileURLToPath(new URL('../otel-config.yaml', import.meta.url));

/**
 * `framekeeper demo`: the service with the shipped configuration, and the bundled recordings replayed into it. Takes the
 * options of `replay`. Exit code 0 after `--once` or an interrupt, else that of what failed.
 */
export function runDemo(args: readonly string[], io: CommandIo, stop: AbortSignal): Promise<number> {
  return runServe({ configs: [shippedConfig], sets: [] }, io, stop, (service) => {
    io.stdout(`${whereToLook(service)}\n`);
    const [port] = service.receiverPorts.values();
    const { stdout, stderr } = io;
    const replayIo = { stdout, stderr, signal: stop, clock: systemClock, random: Math.random };
    return runReplay(['--endpoint', `localhost:${port}`, ...args], replayIo);
  });
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
