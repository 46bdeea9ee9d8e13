import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { withLentReads } from '../../../src/grpc/http2/reused-reads.ts';

interface Accepted {
  readonly peer: Socket;
  readonly accepted: Socket;
  /** That which is read. */
  readonly socket: Socket;
  readonly server: Server;
}

/** A connection whose reads are lent. */
export async function acceptLent(
  t: TestContext,
  prepare: (accepted: Socket) => void = () => undefined,
): Promise<Accepted> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = await accepting;
  prepare(accepted);
  const socket = withLentReads(accepted).on('error', () => undefined);
  t.after(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  return { peer, accepted, socket, server };
}

export async function read(socket: Socket): Promise<Buffer> {
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes;
}

/** Overwrites what was read in each turn of the loop, until the test ends: who holds on to it has wrong bytes. */
export async function overwriteReads(t: TestContext): Promise<void> {
  const { peer, socket } = await acceptLent(t);
  peer.write('any');
  const memory = Buffer.from((await read(socket)).buffer);
  let next: NodeJS.Immediate;
  const overwrite = (): void => {
    memory.fill('?');
    next = setImmediate(overwrite).unref();
  };
  overwrite();
  t.after(() => clearImmediate(next));
}
