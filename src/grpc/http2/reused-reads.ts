// hot
import type { Socket, SocketConstructorOpts } from 'node:net';
import { Socket as NodeSocket } from 'node:net';

/** Bytes that are taken from the kernel at once. */
const readBytes = 64 * 1024;

/**
 * Memory that the plain sockets of this thread are read into, one read after the other. Node.js else reads into a new block each time, and these
 * megabytes set off one collection of the whole heap after the other and leave holes in the memory of the process.
 */
const memory = Buffer.allocUnsafeSlow(readBytes);

/** A record of TLS, which Node.js reads into a block of its own. */
const recordBytes = 16 * 1024;

/** Parts of a socket that Node.js does not document. */
interface AcceptedSocket {
  _handle?: { readonly useUserBuffer?: unknown } | null;
}

/** Frees what a record of TLS was read into, of which nothing is held on to: left to the collector, it costs a sixth of a request of 117 kB. */
export function freeRecord({ buffer, length }: Buffer): void {
  // Memory that is lent and memory of the pool are larger.
  if (length === recordBytes && buffer.byteLength === recordBytes) (buffer as ArrayBuffer).transfer(0);
}

/** Option `onread` of a socket, which `socketOf` tells, whose 'data' is lent: it is overwritten once the listeners return. */
export function lentReads(socketOf: () => Socket): NonNullable<SocketConstructorOpts['onread']> {
  return {
    buffer: memory,
    callback: (sizeBytes) => {
      const socket = socketOf();
      const bytes = memory.subarray(0, sizeBytes);
      return socket.emit('data', bytes) || socket.push(Buffer.from(bytes));
    },
  };
}

/**
 * Takes over a socket that was accepted and has not been read from. 'data' of the result is lent: it is overwritten once the listeners return.
 * The result is the socket as it is, read as any other, where Node.js has changed inside.
 */
export function withLentReads(accepted: Socket): Socket {
  const inner = accepted as Socket & AcceptedSocket;
  const handle = inner._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted.resume();
  inner._handle = null;
  const options = { handle, onread: lentReads(() => socket) };
  const socket: Socket = new NodeSocket(options as SocketConstructorOpts);
  // The acceptor counts the socket that it knows.
  socket.once('close', () => accepted.destroy());
  return socket;
}
