import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../support/error-text.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { textTable } from './inspect/text-table.ts';
import { LiveClient, NoAnswer } from './watch/live-client.ts';
import type { Ranking, WatchOptions } from './watch/watch-options.ts';
import { parseWatchOptions, tokenFileOf, topHelp } from './watch/watch-options.ts';

/** The part of the process that the command may touch. */
export interface TopIo extends CommandIo {
  readonly signal: AbortSignal;
  /** `undefined` without a terminal. */
  readonly terminal: Terminal | undefined;
}

export interface Terminal {
  size(): { readonly columns: number; readonly rows: number };
  /** Calls `onKey` for each key until the returned function is called; raw mode in between. */
  listen(onKey: (key: string) => void): () => void;
}

interface RankedRow {
  readonly name: string;
  /** 0 to 1 of all values. */
  readonly share: number;
  readonly perSecond: number;
  /** `undefined` for other types than on-CPU samples. */
  readonly cores: number | undefined;
  /** Share of the function itself; `undefined` for groups. */
  readonly selfShare: number | undefined;
}

interface RankedTime {
  readonly startUnixMs: number;
  readonly endUnixMs: number;
  readonly total: number;
  readonly type: string;
  readonly by: Ranking;
  readonly rows: readonly RankedRow[];
}

/** Runs `framekeeper top`. The exit code is as in its help. */
export async function runTop(args: readonly string[], io: TopIo): Promise<number> {
  const parsed = parseWatchOptions('top', args);
  if (parsed.kind === 'help') {
    io.stdout(topHelp);
    return exitCodes.ok;
  }
  const fail = (text: string, code: number): number => {
    io.stderr(`framekeeper top: ${text}.\n`);
    return code;
  };
  if (parsed.kind === 'problem') return fail(`${parsed.problem}; see --help`, exitCodes.usage);
  const { options } = parsed;
  let headers = options.headers;
  try {
    const file = tokenFileOf(args, 'top');
    if (file !== undefined) headers = { authorization: `Bearer ${io.readFile(file).trim()}` };
  } catch (error) {
    return fail(`--token-file: ${messageOf(error)}`, exitCodes.usage);
  }
  const client = new LiveClient(options.url, headers, io.signal);
  try {
    if (options.isOnce || io.terminal === undefined) await printTables(client, options, io);
    else await new TopScreen(client, options, io, io.terminal).run();
    return exitCodes.ok;
  } catch (error) {
    if (io.signal.aborted) return exitCodes.ok;
    if (error instanceof NoAnswer) return fail(error.message, exitCodes.failure);
    throw error;
  }
}

/** One table, or one JSON document; with `--json` and without `--once` one for each cycle. */
async function printTables(client: LiveClient, options: WatchOptions, io: TopIo): Promise<void> {
  const isRepeated = options.isJson && !options.isOnce;
  let endUnixMs: number | null = null;
  do {
    endUnixMs = await client.nextCycle(endUnixMs);
    const ranked = await rank(client, options, options.by, options.limit ?? 20);
    io.stdout(
      options.isJson ? `${JSON.stringify(ranked)}\n` : `${tableOf(ranked, Number.POSITIVE_INFINITY).join('\n')}\n`,
    );
  } while (isRepeated && !io.signal.aborted);
}

async function rank(
  client: LiveClient,
  { filters, seconds }: WatchOptions,
  by: Ranking,
  limit: number,
): Promise<RankedTime> {
  const parameters = { ...filters, rows: String(limit), ...(seconds !== undefined && { seconds: String(seconds) }) };
  const answer = await client.json<ListAnswer | TableAnswer>(
    by === 'function' ? 'table' : 'list',
    by === 'function' ? parameters : { ...parameters, by },
  );
  const { startUnixMs, endUnixMs, coveredMs, total, type } = answer;
  const isOnCpu = type?.sampleType === 'samples' && type.periodType === 'cpu' && type.periodUnit === 'nanoseconds';
  const row = (name: string, value: number, self: number | undefined): RankedRow => {
    const perSecond = (1000 * value) / Math.max(1, coveredMs);
    return {
      name,
      share: total === 0 ? 0 : value / total,
      perSecond,
      cores: isOnCpu ? (perSecond * type.period) / 1e9 : undefined,
      selfShare: self === undefined || total === 0 ? undefined : self / total,
    };
  };
  const rows =
    'frames' in answer
      ? answer.frames.name.map((name, index) => row(name, answer.totals[index]!, answer.selfs[index]!))
      : answer.rows.filter(({ value }) => value > 0).map(({ name, value }) => row(name, value, undefined));
  return { startUnixMs, endUnixMs, total, type: type?.sampleType ?? '', by, rows };
}

interface Head {
  readonly startUnixMs: number;
  readonly endUnixMs: number;
  readonly coveredMs: number;
  readonly total: number;
  readonly type: { sampleType: string; periodType: string; periodUnit: string; period: number } | null;
}

interface ListAnswer extends Head {
  readonly rows: readonly { readonly name: string; readonly value: number }[];
}

interface TableAnswer extends Head {
  readonly frames: { readonly name: readonly string[] };
  readonly selfs: readonly number[];
  readonly totals: readonly number[];
}

/** A line about the time, a header, and a line for each row. */
function tableOf({ startUnixMs, endUnixMs, total, type, by, rows }: RankedTime, columns: number): string[] {
  const time = (unixMs: number): string => new Date(unixMs).toISOString().slice(11, 19);
  const hasCores = rows.some(({ cores }) => cores !== undefined);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const isFunctions = by === 'function';
  const header = [hasCores ? 'CORES' : 'PER SECOND', ...(isFunctions ? ['SELF'] : []), 'TOTAL', by.toUpperCase()];
  const cells = rows.map(({ name, share, perSecond, cores, selfShare }) => [
    cores === undefined ? perSecond.toFixed(1) : cores.toFixed(3),
    ...(isFunctions ? [percent(selfShare ?? 0)] : []),
    percent(share),
    name,
  ]);
  const alignments = header.map((_, index) => (index === header.length - 1 ? 'left' : 'right') as 'left' | 'right');
  const title = `${total.toLocaleString('en-US')} ${type || 'samples'}, ${time(startUnixMs)} to ${time(endUnixMs)} UTC`;
  return [title, ...textTable([header, ...cells], alignments, columns)];
}

const keys: Readonly<Record<string, Ranking>> = {
  f: 'function',
  s: 'service',
  p: 'process',
  t: 'thread',
  c: 'container',
  e: 'executable',
};

// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: the alternate screen, and the cursor's visibility.
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';

/** The terminal while `top` has it. */
class TopScreen {
  readonly #client: LiveClient;
  readonly #options: WatchOptions;
  readonly #io: TopIo;
  readonly #terminal: Terminal;
  readonly #ended = new AbortController();
  #by: Ranking;
  #isPaused = false;
  #notice = '';
  #ranked: RankedTime | undefined;

  constructor(client: LiveClient, options: WatchOptions, io: TopIo, terminal: Terminal) {
    this.#client = client;
    this.#options = options;
    this.#io = io;
    this.#terminal = terminal;
    this.#by = options.by;
  }

  /** Ends when a key or the signal says so. */
  async run(): Promise<void> {
    // Whoever is not there at the start is told outside the screen.
    await this.#client.json('state');
    this.#io.stdout(enter);
    const stopListening = this.#terminal.listen((key) => this.#onKey(key));
    const signal = AbortSignal.any([this.#io.signal, this.#ended.signal]);
    try {
      while (!signal.aborted) {
        if (!this.#isPaused) await this.#refresh();
        await setTimeout(1000, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      stopListening();
      this.#io.stdout(leave);
    }
  }

  #onKey(key: string): void {
    if (key === 'q' || key === '\u0003') this.#ended.abort();
    else if (key === ' ') this.#isPaused = !this.#isPaused;
    else if (keys[key] !== undefined) {
      this.#by = keys[key];
      void this.#refresh();
    }
    this.#draw();
  }

  async #refresh(): Promise<void> {
    try {
      const { rows } = this.#terminal.size();
      this.#ranked = await rank(this.#client, this.#options, this.#by, this.#options.limit ?? Math.max(1, rows - 4));
      this.#notice = '';
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#notice = error.message;
    }
    this.#draw();
  }

  #draw(): void {
    const { columns, rows } = this.#terminal.size();
    const table = this.#ranked === undefined ? ['waiting for the first cycle'] : tableOf(this.#ranked, columns);
    const foot = this.#notice || `${this.#isPaused ? 'paused; ' : ''}f s p t c e rank, space pauses, q ends`;
    const lines = [...table.slice(0, rows - 2), '', foot.slice(0, columns)];
    this.#io.stdout(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }
}
