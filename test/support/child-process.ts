import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that runs beside the tests. */
export interface RunningChild {
  readonly pid: number;
  /** All it wrote so far, both streams; the last 64 KiB of it. */
  output(): string;
  /** Asks it to stop with SIGTERM; kills it after `withinMs`. Resolves to its exit code, null when it was killed. */
  stop(withinMs?: number): Promise<number | null>;
  /** Ends it with SIGKILL, of which it notices nothing. */
  kill(): Promise<void>;
  /** Resolves to the exit code once it ends by itself. */
  ended(): Promise<number | null>;
  hasEnded(): boolean;
}

const keptOutputChars = 64 << 10;

export interface ChildOptions {
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export function runChild(command: string, args: readonly string[], options: ChildOptions = {}): RunningChild {
  const { folder: cwd, env } = options;
  const child = spawn(command, args, { ...(cwd && { cwd }), ...(env && { env }), stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      written = (written + chunk).slice(-keptOutputChars);
    });
  }
  const end = once(child, 'close').then(([code]) => code as number | null);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  // A test run that is cut short must not leave programs behind.
  const killAtExit = (): unknown => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  void end.then(() => process.off('exit', killAtExit));
  return {
    pid: child.pid!,
    output: () => written,
    hasEnded,
    ended: () => end,
    kill: async () => {
      child.kill('SIGKILL');
      await end;
    },
    stop: async (withinMs = 20_000) => {
      if (!hasEnded()) child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), withinMs).unref();
      const code = await end;
      clearTimeout(deadline);
      return code;
    },
  };
}

/**
 * Waits until `url` answers 200.
 * @throws Error with the output of the child when it ended, or when `withinMs` have passed.
 */
export async function waitForHealth(url: string, child: RunningChild, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return;
    if (child.hasEnded() || performance.now() > deadline) {
      throw new Error(`${url} did not become healthy (last status ${status ?? 'none'}):\n${child.output()}`);
    }
    await sleep(50);
  }
}

/** Ports of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
