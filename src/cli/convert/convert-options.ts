import { parseArgs } from 'node:util';
import type { TargetFormat } from '../../profile/formats/render-profiles.ts';
import { targetFormats } from '../../profile/formats/render-profiles.ts';
import type { Selection } from '../../profile/formats/select-profiles.ts';
import type { Grouping } from '../../profile/formats/weighted-stacks.ts';
import { groupings } from '../../profile/formats/weighted-stacks.ts';
import { firstSentenceOf } from '../../support/error-text.ts';

export interface ConvertOptions {
  /** `-` is standard input. */
  readonly paths: readonly string[];
  readonly to: TargetFormat;
  /** `undefined` for standard output. */
  readonly output: string | undefined;
  readonly selection: Selection;
  readonly groupBy: readonly Grouping[];
  readonly hasTimestamps: boolean;
}

/** `problem` names option, value and remedy. */
export type ParsedConvert =
  | { readonly kind: 'options'; readonly options: ConvertOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly problem: string };

export const convertHelp = `Usage: framekeeper convert [options] --to FORMAT IN…

Writes profiles in another format. IN are files that framekeeper inspect reads (OTLP as protobuf or JSON,
also of the Collector's file exporter, rotated and compressed) and pprof; - is standard input. Several
are joined.

  --to FORMAT        pprof, folded, speedscope, svg, otlp or otlp-json
  -o, --output FILE  instead of standard output
  --service NAME     samples of this service.name, or of this executable where there is none
  --pid PID          samples of this process
  --type TYPE        samples of this type: cpu (on-CPU), or e.g. page-faults or page-faults/count
  --from TIME        samples at or after this time: 2026-11-30T12:00:00Z, or Unix seconds
  --to-time TIME     samples before this time
  --group-by LIST    first frames of folded, speedscope and svg: ${groupings.join(', ')},
                     or none; several with commas (default service)
  --timestamps       with pprof: a sample for each timestamp, with a label timestamp_ns
  --help             print this

Content that a format has no place for is told on standard error.
Exit codes: 0 done; 1 a file is none of profiles, or no sample is left; 2 wrong arguments, or a file
that cannot be read or written.
`;

export function parseConvertOptions(args: readonly string[]): ParsedConvert {
  let parsed: ReturnType<typeof parseStrictly>;
  try {
    parsed = parseStrictly(args);
  } catch (error) {
    return { kind: 'problem', problem: firstSentenceOf(error) };
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: 'help' };
  const problem = problemOf(values, positionals);
  if (problem !== undefined) return { kind: 'problem', problem };
  const { service, pid, type, from, 'to-time': to } = values;
  const selection = {
    service,
    pid: pid === undefined ? undefined : BigInt(pid),
    type,
    fromUnixNano: from === undefined ? undefined : parseTime(from),
    toUnixNano: to === undefined ? undefined : parseTime(to),
  };
  const groupBy = groupNames(values['group-by'] ?? 'service') as Grouping[];
  const options = { paths: positionals, to: values.to as TargetFormat, output: values.output, selection, groupBy };
  return { kind: 'options', options: { ...options, hasTimestamps: values.timestamps } };
}

function parseStrictly(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      output: { type: 'string', short: 'o' },
      service: { type: 'string' },
      pid: { type: 'string' },
      type: { type: 'string' },
      from: { type: 'string' },
      'to-time': { type: 'string' },
      'group-by': { type: 'string' },
      timestamps: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

function problemOf(
  values: ReturnType<typeof parseStrictly>['values'],
  positionals: readonly string[],
): string | undefined {
  const { to, pid, from, 'to-time': toTime, 'group-by': groupBy, timestamps } = values;
  if (positionals.length === 0) return 'expected a file, got none; write - for standard input';
  if (positionals.filter((path) => path === '-').length > 1) return '- stands more than once; it can be read once';
  if (to === undefined) return `--to is missing, write one of ${targetFormats.join(', ')}`;
  if (!(targetFormats as readonly string[]).includes(to)) {
    return `--to is "${to}", write one of ${targetFormats.join(', ')}`;
  }
  if (pid !== undefined && !/^\d{1,10}$/.test(pid)) return `--pid is "${pid}", write a process ID`;
  for (const [name, time] of [
    ['--from', from],
    ['--to-time', toTime],
  ] as const) {
    if (time !== undefined && parseTime(time) === undefined) {
      return `${name} is "${time}", write a time such as 2026-11-30T12:00:00Z, or Unix seconds`;
    }
  }
  if (groupBy !== undefined && !['folded', 'speedscope', 'svg'].includes(to)) {
    return `--group-by is for folded, speedscope and svg; with ${to} the attributes stay (go tool pprof -tagroot)`;
  }
  const unknown = groupNames(groupBy ?? '').find((name) => !(groupings as readonly string[]).includes(name));
  if (unknown !== undefined) return `--group-by is "${unknown}", write some of ${groupings.join(', ')}, or none`;
  return timestamps && to !== 'pprof' ? '--timestamps is for pprof alone; leave it out' : undefined;
}

function groupNames(list: string): string[] {
  return list === 'none' || list === '' ? [] : list.split(',').map((name) => name.trim());
}

/** Nanoseconds since the Unix epoch. */
function parseTime(text: string): bigint | undefined {
  const [, seconds, fraction = ''] = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds !== undefined) return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n;
}
