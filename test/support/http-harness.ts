import { createConnection } from 'node:net';
import type { TestContext } from 'node:test';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Logger } from 'pino';
import { pino } from 'pino';
import type { Endpoint } from '../../src/config/endpoint.ts';
import type { HttpMount, HttpPart } from '../../src/http/http-server.ts';
import { HttpServer } from '../../src/http/http-server.ts';
import { systemClock } from '../../src/support/clock.ts';

export const silentLogger: Logger = pino({ level: 'silent' });

/** Serves `mounts` on a free port of 127.0.0.1 until the test ends; returns the base URL without a slash. */
export async function serve(context: TestContext, ...mounts: HttpMount[]): Promise<string> {
  const tools = { clock: systemClock, logger: silentLogger, meter: new MeterProvider().getMeter('test') };
  const server = new HttpServer(plainParts({ host: '127.0.0.1', port: 0 }, mounts), tools);
  await server.start();
  context.after(() => server.stop(AbortSignal.timeout(1000)));
  return `http://127.0.0.1:${server.address.port}`;
}

/** Served to everybody in plain text. */
export function plainParts(endpoint: Endpoint, mounts: readonly HttpMount[]): HttpPart[] {
  return mounts.map((mount) => ({ endpoint, tls: undefined, guard: undefined, mount }));
}

/** Sends bytes as they are and returns everything that comes back until the other side closes. */
export function exchange(base: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(base).port) }, () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}
