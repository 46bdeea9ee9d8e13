import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { patienceMs } from './patience.ts';

/** A program that runs beside the tests, and never longer than the process that started it. */
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
  const guard = startGuard(child);
  running.add(child);
  void end.then(() => {
    running.delete(child);
    guard.kill('SIGKILL');
  });
  return {
    pid: child.pid!,
    output: () => written,
    hasEnded,
    ended: () => end,
    kill: async () => {
      child.kill('SIGKILL');
      await end;
    },
    stop: async (withinMs = patienceMs) => {
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
export async function waitForHealth(url: string, child: RunningChild, withinMs: number = patienceMs): Promise<void> {
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

const running = new Set<ChildProcess>();

// A test that failed or timed out has left its children behind, and they would keep its file from ending.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  after(() => {
    for (const child of running) child.kill('SIGKILL');
  });
}

/**
 * A shell that kills `child` once this process is gone, however it went: a test file that timed out is killed, and runs no handler
 * of its own. The shell reads from a pipe that nothing is ever written to, and that the system closes with this process.
 */
function startGuard(child: ChildProcess): ChildProcess {
  const script = 'read -r line; kill -9 "$1" 2>/dev/null';
  const guard = spawn('sh', ['-c', script, 'guard', String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}
