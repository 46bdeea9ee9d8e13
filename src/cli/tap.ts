import { messageOf } from '../support/error-text.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { oneLine } from './inspect/text-table.ts';
import { LiveClient, NoAnswer } from './watch/live-client.ts';
import { parseWatchOptions, tapHelp, tokenFileOf } from './watch/watch-options.ts';

export interface TapIo extends CommandIo {
  readonly signal: AbortSignal;
}

const defaultLimit = 100;

/** Runs `framekeeper tap`. The exit code is as in its help. */
export async function runTap(args: readonly string[], io: TapIo): Promise<number> {
  const parsed = parseWatchOptions('tap', args);
  if (parsed.kind === 'help') {
    io.stdout(tapHelp);
    return exitCodes.ok;
  }
  const tell = (text: string): void => io.stderr(`framekeeper tap: ${text}.\n`);
  if (parsed.kind === 'problem') {
    tell(`${parsed.problem}; see --help`);
    return exitCodes.usage;
  }
  const { url, filters, isJson, isOnce, limit = defaultLimit } = parsed.options;
  let headers = parsed.options.headers;
  try {
    const file = tokenFileOf(args, 'tap');
    if (file !== undefined) headers = { authorization: `Bearer ${io.readFile(file).trim()}` };
  } catch (error) {
    tell(`--token-file: ${messageOf(error)}`);
    return exitCodes.usage;
  }
  const client = new LiveClient(url, headers, io.signal);
  let endUnixMs: number | null = null;
  try {
    do {
      const next = await client.nextCycle(endUnixMs);
      // The first cycle is the newest one; then nothing is left out.
      const from = endUnixMs === null ? { seconds: '1' } : { from: timeText(endUnixMs) };
      const text = await client
        .text('profile', { ...filters, ...from, to: timeText(next), format: 'folded' })
        .catch(noStacks);
      printStacks(text, { limit, isJson, endUnixMs: next, tell, stdout: io.stdout });
      endUnixMs = next;
    } while (!isOnce);
    return exitCodes.ok;
  } catch (error) {
    if (io.signal.aborted) return exitCodes.ok;
    if (!(error instanceof NoAnswer)) throw error;
    tell(error.message);
    return exitCodes.failure;
  }
}

/** A cycle without a sample of the type has no stacks. */
function noStacks(error: unknown): string {
  if (error instanceof NoAnswer && /no sample of this type/.test(error.message)) return '';
  throw error;
}

function printStacks(
  text: string,
  {
    limit,
    isJson,
    endUnixMs,
    tell,
    stdout,
  }: { limit: number; isJson: boolean; endUnixMs: number } & {
    tell: (text: string) => void;
    stdout: (text: string) => void;
  },
): void {
  const stacks = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const end = line.lastIndexOf(' ');
      return { stack: line.slice(0, end), value: Number(line.slice(end + 1)) };
    })
    .sort((a, b) => b.value - a.value);
  for (const { stack, value } of stacks.slice(0, limit)) {
    const [service, ...frames] = stack.split(';');
    const time = new Date(endUnixMs).toISOString();
    stdout(isJson ? `${JSON.stringify({ time, service, frames, value })}\n` : `${oneLine(stack)} ${value}\n`);
  }
  if (stacks.length > limit) tell(`${stacks.length - limit} further stacks of this cycle; --limit raises ${limit}`);
}

/** Unix milliseconds as queries take them. */
function timeText(unixMs: number): string {
  return String(Math.round(unixMs)).padStart(13, '0');
}
