import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';

/** Keeps `count` connections open until the test ends, another `waitMs` after each that is closed. `begin` says what each does. */
export function keepOpen(
  t: TestContext,
  port: number,
  {
    count,
    waitMs,
    begin,
  }: { readonly count: number; readonly waitMs: number; readonly begin: (socket: Socket) => void },
): void {
  const sockets = new Set<Socket>();
  let isOver = false;
  t.after(() => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  });
  const open = (): void => {
    if (isOver) return;
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(open, waitMs);
    });
    begin(socket);
  };
  for (let i = 0; i < count; i++) open();
}
