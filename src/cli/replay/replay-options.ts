import { parseArgs } from 'node:util';
import { messageOf } from '../../support/error-text.ts';

const recordingFormats = ['auto', 'raw', 'perf-script', 'folded', 'bpftrace'] as const;

export type RecordingFormat = (typeof recordingFormats)[number];

export interface ReplayOptions {
  /** Paths, or names of bundled recordings; empty for all of those. */
  readonly recordings: readonly string[];
  readonly endpoint: string;
  readonly useTls: boolean;
  /** Path of the CA certificates to trust instead of the system's. */
  readonly caFile: string | undefined;
  /** True when any certificate is trusted. */
  readonly isInsecure: boolean;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Path of a bearer token. */
  readonly tokenFile: string | undefined;
  /** Infinity for as fast as the service takes it. */
  readonly speed: number;
  readonly isLoop: boolean;
  readonly time: 'now' | 'recorded';
  readonly format: RecordingFormat;
  /** `TYPE/UNIT` of the counts of folded stacks and bpftrace's output. */
  readonly countedType: string | undefined;
}

/** `problem` names option, value and remedy. */
export type ParsedReplay =
  | { readonly kind: 'options'; readonly options: ReplayOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly problem: string };

export const replayHelp = `framekeeper replay [RECORDING…]: send recorded frame samples to a service, as an eBPF collector does.

A RECORDING is a folder with raw.jsonl (recordings/README.md says what is in it), a file of "perf script" text, of folded
stacks (bcc -f, async-profiler collapsed, py-spy raw) or of bpftrace output, or the name of a recording that comes with
Framekeeper. Several are replayed at the same time, each by a collector of its own. Default: all that come with Framekeeper.

  --endpoint HOST:PORT   where the service listens for frames; https://HOST:PORT for TLS (default localhost:4317)
  --ca-file FILE         CA certificates of the service, instead of the system's
  --insecure             with https: trust any certificate
  --header NAME=VALUE    send this header; repeat for more
  --token-file FILE      send the bearer token in this file
  --speed NUMBER         how many times as fast as it was recorded; max for as fast as possible (default 1)
  --once                 stop after one pass
  --loop                 begin again at the end, until interrupted (default)
  --time now|recorded    let the samples happen now, or when they happened (default now); a service takes samples of
                         long ago only when it is told to
  --format FORMAT        auto, raw, perf-script, folded or bpftrace (default auto)
  --type TYPE/UNIT       what the counts of folded stacks and of bpftrace are (default samples/count), e.g.
                         off_cpu/microseconds for offcputime -f
  --help                 show this text

Make perf script text with:
  perf record -e cpu-clock -F 99 -g -k CLOCK_MONOTONIC --buildid-mmap -- COMMAND
  perf script -F pid,tid,cpu,time,comm,event,ip,sym,dso,symoff --ns \\
    --show-mmap-events --show-task-events --show-lost-events

Exit codes: 0 done or interrupted; 1 the service was not there, refused a batch or took no sample; 2 the arguments are
wrong.
`;

export function parseReplayOptions(args: readonly string[]): ParsedReplay {
  let parsed: ReturnType<typeof parseStrictly>;
  try {
    parsed = parseStrictly(args);
  } catch (error) {
    return { kind: 'problem', problem: `${messageOf(error).split('\n')[0]}` };
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: 'help' };
  const problem = problemOf(values);
  if (problem !== undefined) return { kind: 'problem', problem };
  return {
    kind: 'options',
    options: {
      recordings: positionals,
      endpoint: values.endpoint.replace(/^https?:\/\//, ''),
      useTls: values.endpoint.startsWith('https://'),
      caFile: values['ca-file'],
      isInsecure: values.insecure,
      headers: values.header.map(parseHeader),
      tokenFile: values['token-file'],
      speed: values.speed === 'max' ? Number.POSITIVE_INFINITY : Number(values.speed),
      isLoop: !values.once,
      time: values.time as ReplayOptions['time'],
      format: values.format as RecordingFormat,
      countedType: values.type,
    },
  };
}

function parseStrictly(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      endpoint: { type: 'string', default: 'localhost:4317' },
      'ca-file': { type: 'string' },
      insecure: { type: 'boolean', default: false },
      header: { type: 'string', multiple: true, default: [] },
      'token-file': { type: 'string' },
      speed: { type: 'string', default: '1' },
      once: { type: 'boolean', default: false },
      loop: { type: 'boolean', default: false },
      time: { type: 'string', default: 'now' },
      format: { type: 'string', default: 'auto' },
      type: { type: 'string' },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
}

function parseHeader(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

function problemOf(values: ReturnType<typeof parseStrictly>['values']): string | undefined {
  const { endpoint, speed, once, loop, time, format } = values;
  if (!/^(https?:\/\/)?(\[[^\]/]+\]|[^:/[\]]+):\d{1,5}$/.test(endpoint)) {
    return `--endpoint: "${endpoint}" is not an address; write HOST:PORT, e.g. localhost:4317.`;
  }
  if (!endpoint.startsWith('https://') && (values['ca-file'] !== undefined || values.insecure)) {
    return `--${values.insecure ? 'insecure' : 'ca-file'}: is for TLS; write --endpoint https://${endpoint.replace(/^http:\/\//, '')}.`;
  }
  for (const header of values.header) {
    const [name, value] = parseHeader(header);
    if (!/^[\w.-]+$/.test(name) || /-bin$/i.test(name) || !/^[ -~]+$/.test(value)) {
      return `--header: "${name}" is no NAME=VALUE of printable signs; write e.g. authorization=Bearer….`;
    }
  }
  if (speed !== 'max' && !(Number(speed) > 0 && Number(speed) <= 1e6)) {
    return `--speed: "${speed}" is not a number above 0; write e.g. 2, 0.5 or max.`;
  }
  if (once && loop) return '--once and --loop exclude each other; leave one of them out.';
  if (time !== 'now' && time !== 'recorded') return `--time: is "${time}"; write now or recorded.`;
  if (values.type !== undefined && !/^[\w.:-]{1,100}\/[\w.:-]{1,100}$/.test(values.type)) {
    return `--type: is "${values.type}"; write TYPE/UNIT, e.g. off_cpu/microseconds.`;
  }
  if (!(recordingFormats as readonly string[]).includes(format)) {
    return `--format: is "${format}"; write one of ${recordingFormats.join(', ')}.`;
  }
  return undefined;
}
