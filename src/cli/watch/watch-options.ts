import { parseArgs } from 'node:util';
import { firstSentenceOf } from '../../support/error-text.ts';

const rankings = ['function', 'service', 'process', 'thread', 'container', 'executable'] as const;

export type Ranking = (typeof rankings)[number];

export interface WatchOptions {
  /** Address of the live page, without a slash at the end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isJson: boolean;
  readonly isOnce: boolean;
  /** Filters and profile type as queries of the live page take them. */
  readonly filters: Readonly<Record<string, string>>;
  readonly by: Ranking;
  /** Rows of a table; samples of a cycle. */
  readonly limit: number | undefined;
  /** Length of the time that `top` ranks; `undefined` for the page's own. */
  readonly seconds: number | undefined;
}

/** `problem` names option, value and remedy. */
export type ParsedWatch =
  | { readonly kind: 'options'; readonly options: WatchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly problem: string };

const common = `  --url URL          live page of the service (default http://localhost:13133/live); http://USER:PASSWORD@… for basic auth
  --token-file FILE  send the bearer token in this file
  --service NAME     samples of this service.name, or of this executable where there is none
  --pid PID          samples of this process
  --match TEXT       samples with this text in a function, file or module of their stack
  --type TYPE        profile type: cpu, or a sample type such as off_cpu
  --once             one answer, then end; also without a terminal in case of top
  --json             one JSON document a line
  --help             print this

Exit codes: 0 done or interrupted; 1 the service did not answer, or refused; 2 wrong arguments.
`;

export const topHelp = `Usage: framekeeper top [options]

Shows what a running service reports, ranked, and again with each reporting cycle. In a terminal the keys f, s, p, t, c
and e rank functions, services, processes, threads, containers and executables; space pauses, q ends.

  --by RANKING       ${rankings.join(', ')} (default function)
  -n, --rows NUMBER  rows (default: those that fit, or 20)
  --seconds NUMBER   length of the time that is ranked (default: the page's, a minute)
${common}`;

export const tapHelp = `Usage: framekeeper tap [options]

Prints the stacks of samples as a running service reports them, cycle by cycle: service, functions from the outermost
caller to the leaf, and value, as folded stacks. Notices go to standard error.

  --limit NUMBER     stacks of a cycle, the largest first (default 100)
${common}`;

export function parseWatchOptions(command: 'top' | 'tap', args: readonly string[]): ParsedWatch {
  let values: ReturnType<typeof parseStrictly>['values'];
  try {
    values = parseStrictly(command, args).values;
  } catch (error) {
    return { kind: 'problem', problem: firstSentenceOf(error) };
  }
  if (values.help === true) return { kind: 'help' };
  const problem = problemOf(values);
  if (problem !== undefined) return { kind: 'problem', problem };
  const url = new URL(values.url as string);
  const filters: Record<string, string> = {};
  for (const [name, parameter] of Object.entries({
    service: 'service',
    pid: 'process',
    match: 'match',
    type: 'type',
  })) {
    if (values[name] !== undefined) filters[parameter] = String(values[name]);
  }
  const limit = values.rows ?? values.limit;
  return {
    kind: 'options',
    options: {
      url: `${url.origin}${url.pathname.replace(/\/$/, '')}`,
      headers: basicHeader(url),
      isJson: values.json === true,
      isOnce: values.once === true,
      filters,
      by: (values.by ?? 'function') as Ranking,
      limit: limit === undefined ? undefined : Number(limit),
      seconds: values.seconds === undefined ? undefined : Number(values.seconds),
    },
  };
}

/** Path of a file with a bearer token; `undefined` without the option. */
export function tokenFileOf(args: readonly string[], command: 'top' | 'tap'): string | undefined {
  return parseStrictly(command, args).values['token-file'] as string | undefined;
}

function parseStrictly(command: 'top' | 'tap', args: readonly string[]) {
  const own = {
    top: { by: { type: 'string' }, rows: { type: 'string', short: 'n' }, seconds: { type: 'string' } },
    tap: { limit: { type: 'string' } },
  } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string', default: 'http://localhost:13133/live' },
      'token-file': { type: 'string' },
      service: { type: 'string' },
      pid: { type: 'string' },
      match: { type: 'string' },
      type: { type: 'string' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      ...own[command],
    },
  });
  return { values: values as Readonly<Record<string, string | boolean | undefined>> };
}

function problemOf(values: Readonly<Record<string, string | boolean | undefined>>): string | undefined {
  const { url, by, pid } = values;
  if (!/^https?:$/.test(URL.parse(String(url))?.protocol ?? '')) {
    return `--url is "${url}", write an address such as http://localhost:13133/live`;
  }
  if (by !== undefined && !(rankings as readonly unknown[]).includes(by)) {
    return `--by is "${by}", write one of ${rankings.join(', ')}`;
  }
  if (pid !== undefined && !/^\d{1,10}$/.test(String(pid))) return `--pid is "${pid}", write a process ID`;
  for (const [name, max] of [
    ['rows', 10_000],
    ['limit', 10_000],
    ['seconds', 3600],
  ] as const) {
    const value = values[name];
    if (value !== undefined && !(/^\d{1,5}$/.test(String(value)) && Number(value) >= 1 && Number(value) <= max)) {
      return `--${name} is "${value}", write a whole number from 1 to ${max}`;
    }
  }
  return undefined;
}

function basicHeader({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}
