import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { connect, isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { onAbort } from '../support/clock.ts';
import type { Address, Target } from './client-target.ts';
import { lentReads } from './http2/reused-reads.ts';

/** TLS of a client. */
export interface ClientTls {
  readonly context: SecureContext;
  readonly rejectUnauthorized: boolean;
  /** Name that the certificate must have instead of the target's; empty = the target's. */
  readonly serverName: string;
}

/**
 * Opens a socket, through a proxy where the target has one, with TLS on it where `tls` is set. Its 'data' may be lent: it is overwritten once the
 * listeners return. Rejects once `signal` aborts.
 */
export async function openSocket(
  address: Address,
  target: Target,
  tls: ClientTls | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  if (tls === undefined && target.proxied === undefined) return openLent(address, signal);
  const socket = await openPlain(address, target, signal);
  if (tls === undefined) return socket;
  const name = tls.serverName === '' ? target.host : tls.serverName;
  const secure = connectTls({
    socket,
    secureContext: tls.context,
    rejectUnauthorized: tls.rejectUnauthorized,
    ALPNProtocols: ['h2'],
    host: name,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    // An IP address is no server name (RFC 6066, 3).
    ...(isIP(name) === 0 && { servername: name }),
  });
  return whenOpen(secure, 'secureConnect', signal);
}

function openLent(address: Address, signal: AbortSignal): Promise<Socket> {
  const socket: Socket = connect({ ...address, noDelay: true, onread: lentReads(() => socket) });
  return whenOpen(socket, 'connect', signal);
}

async function openPlain(address: Address, target: Target, signal: AbortSignal): Promise<Socket> {
  if (target.proxied !== undefined) return openTunnel(address, target.proxied, signal);
  return whenOpen(connect({ ...address, noDelay: true }), 'connect', signal);
}

async function whenOpen<Opened extends Socket>(socket: Opened, event: string, signal: AbortSignal): Promise<Opened> {
  const withdraw = onAbort(signal, () => socket.destroy(signal.reason as Error));
  try {
    await once(socket, event);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    withdraw();
    // From here on the session of HTTP/2 tells of errors.
    socket.on('error', () => undefined);
  }
}

/** HTTP CONNECT (RFC 9110, 9.3.6). */
function openTunnel(
  address: Address,
  { hostAndPort, credentials }: NonNullable<Target['proxied']>,
  signal: AbortSignal,
): Promise<Socket> {
  const authorization = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const headers = { host: hostAndPort, ...(authorization && { 'proxy-authorization': authorization }) };
  const at = 'path' in address ? { socketPath: address.path } : address;
  return new Promise((resolve, reject) => {
    const asked = request({ ...at, method: 'CONNECT', path: hostAndPort, headers, signal });
    asked.once('connect', ({ statusCode }, socket, head) => {
      if (statusCode !== 200) {
        socket.destroy();
        reject(new Error(`the proxy answered ${statusCode} to CONNECT ${hostAndPort}`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket.on('error', () => undefined) as Socket);
    });
    asked.once('error', reject).end();
  });
}
