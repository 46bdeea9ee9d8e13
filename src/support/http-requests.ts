import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Refuses requests for a name that is not this machine's, where the connection came over the loopback: a page of a stranger
 * can give a name of its own the address 127.0.0.1 and would read the answers (DNS rebinding). Other listeners are reached
 * by names that only their operator knows. `allowed` are further names; "*" is any.
 */
export function refuseForeignHost(
  allowed: readonly string[],
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return async (request, reply) => {
    const local = request.socket.localAddress ?? '';
    const isLoopback = local === '::1' || /^(?:::ffff:)?127\./.test(local);
    if (!isLoopback || names.has('*')) return undefined;
    const name = request.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
    const isOwn = name === '' || name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
    if (isOwn || names.has(name)) return undefined;
    return reply
      .code(403)
      .type('text/plain; charset=utf-8')
      .send('403 foreign host: call this listener localhost, or add the name to its allowed_hosts\n');
  };
}

/**
 * Refuses requests that a proxy in front may read in another way: a transfer coding other than chunked alone. The
 * connection is closed, because nobody knows where the next request begins.
 */
export async function refuseOddTransfer(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const coding = request.headers['transfer-encoding'];
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return undefined;
  return refuse(reply, 400, 'the only transfer coding here is chunked');
}

/** Refuses TRACE, and bodies of requests that have no use for one. */
export async function refuseBodies(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  if (request.method === 'TRACE') return refuse(reply, 405, 'TRACE is not answered');
  const { 'transfer-encoding': coding, 'content-length': length } = request.headers;
  const hasBody = coding !== undefined || Number(length ?? 0) > 0;
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  return hasBody && isReading ? refuse(reply, 400, `${request.method} has no body here`) : undefined;
}

function refuse(reply: FastifyReply, code: number, why: string): FastifyReply {
  return reply.code(code).header('connection', 'close').type('text/plain; charset=utf-8').send(`${code} ${why}\n`);
}
