import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { onAbort } from './clock.ts';

/** Listens on one address: that of `host`, an IPv4 address before others, or every interface where it is empty. */
export async function openHttp(app: FastifyInstance, host: string, port: number): Promise<void> {
  // As Go listens: fastify would open a second, unlimited server for the other "localhost".
  const address = host === '' ? anyAddress() : (await lookup(host, { order: 'ipv4first' })).address;
  await app.listen({ host: address, port });
}

/** Answers the open requests until `deadline`, and closes every connection. */
export async function closeHttp(app: FastifyInstance, deadline: AbortSignal): Promise<void> {
  const endDeadline = onAbort(deadline, () => app.server.closeAllConnections());
  await app.close();
  endDeadline();
}

/** Each look wakes a process that may have nothing else to do. */
const looks = { mostOftenMs: 1_000, leastOftenMs: 5_000 } as const;

/**
 * Time between two looks at the deadlines of an HTTP server's connections, 0 for one that is not set: a slow client may have half of its
 * time more, at least 1 s and at most 5 s. Node.js looks every 30 s otherwise.
 */
export function deadlineLooksMs(...deadlinesMs: readonly number[]): number {
  const shortestMs = Math.min(...deadlinesMs.filter((ms) => ms > 0));
  return Math.max(looks.mostOftenMs, Math.min(looks.leastOftenMs, shortestMs / 2));
}

function anyAddress(): string {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));
  return hasIpv6 ? '::' : '0.0.0.0';
}

/** For servers without schemas: given none, fastify loads compilers of schemas, which are a hundred files. */
export const withoutSchemas: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler },
};

function noCompiler(): never {
  throw new Error('a route has a schema, and its server no compiler for it');
}
