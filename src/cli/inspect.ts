import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { InvalidMessage } from '../model/invalid-message.ts';
import { checkConformance } from '../profile/check/check-conformance.ts';
import { checkContract } from '../profile/check/check-contract.ts';
import type { ConformanceFault } from '../profile/check/fault-list.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';
import { dialectNames } from '../profile/dialects/dialect.ts';
import { DialectLint } from '../profile/dialects/lint/lint-dialect.ts';
import { firstSentenceOf } from '../support/error-text.ts';
import { exitCodes } from './command-io.ts';
import { printFindings } from './inspect/print-findings.ts';
import { printSummary } from './inspect/print-summary.ts';
import type { ProfilesFile } from './inspect/read-profiles-file.ts';
import { readProfilesFile } from './inspect/read-profiles-file.ts';
import { summarizeProfiles } from './inspect/summarize-profiles.ts';
import { symbolizeProfiles } from './inspect/symbolize-profiles.ts';

/** The part of the process that the command may touch. Text is written as given, without a newline of its own. */
export interface InspectIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Width of the terminal; `undefined` where the output goes elsewhere and nothing is cut. */
  readonly columns: number | undefined;
}

const help = `Usage: framekeeper inspect [options] FILE

Shows the content of a file of OTLP profiles: one protobuf message, length-delimited messages (the
Collector's file exporter with format: proto), JSON, or JSON lines, each also compressed with gzip
or zstd; and of a pprof profile. The content tells which. FILE is - for standard input.

  --top N      list at most N services, functions and files of each type, and kinds of findings
               (default 10)
  --json       print the summary as JSON
  --check      judge the file by the specification; exit code 1 and the paths when it breaks a rule
  --contract   like --check, and by what Framekeeper promises of its own output besides
  --symbolize  name native frames from the executables, libraries and debug files of this machine first,
               each only if its build ID or hash is the one that the file tells
  --dialect B  list what the backend B would refuse, drop or show wrongly, and where; exit code 1 when
               there is something: pyroscope, parca, devfiler, elastic
  --help       print this

Exit codes: 0 done; 1 findings, or a file that is none of OTLP profiles; 2 wrong arguments, or a
file that cannot be read.
`;

/**
 * Runs `framekeeper inspect`. The exit code: 0; 1 when a check found faults or the file is none of OTLP profiles; 2 when the
 * arguments are wrong or the file cannot be read.
 */
export async function runInspect(args: readonly string[], io: InspectIo): Promise<number> {
  const options = readOptions(args);
  if (options.kind === 'help') {
    io.stdout(help);
    return exitCodes.ok;
  }
  if (options.kind === 'usage-error') {
    io.stderr(`framekeeper inspect: ${options.message}; see --help.\n`);
    return exitCodes.usage;
  }
  const { path } = options;
  try {
    const bytes = path === '-' ? await buffer(io.stdin) : await readFile(path);
    const file = await readProfilesFile(bytes);
    return report(options.isSymbolized ? await symbolize(file, io) : file, bytes.length, options, io);
  } catch (error) {
    if (error instanceof InvalidMessage) {
      io.stderr(`${path}: is not a file of OTLP profiles: ${error.message}\n`);
      return exitCodes.failure;
    }
    if (!isFileError(error)) throw error;
    io.stderr(`${path}: cannot be read: ${error.message}\n`);
    return exitCodes.usage;
  }
}

interface InspectOptions {
  readonly kind: 'inspect';
  readonly path: string;
  readonly top: number;
  readonly isJson: boolean;
  readonly isSymbolized: boolean;
  readonly check: 'none' | 'specification' | 'contract';
  /** Generic: no backend in particular. */
  readonly dialect: DialectName;
}

type ParsedOptions = InspectOptions | { readonly kind: 'help' } | { readonly kind: 'usage-error'; message: string };

function readOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        top: { type: 'string', default: '10' },
        json: { type: 'boolean', default: false },
        symbolize: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        contract: { type: 'boolean', default: false },
        dialect: { type: 'string', default: 'generic' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) {
      return { kind: 'usage-error', message: `expected one file, got ${positionals.length}` };
    }
    if (!/^\d{1,6}$/.test(values.top)) {
      return { kind: 'usage-error', message: `--top is "${values.top}", write a whole number up to 999999` };
    }
    const dialect = dialectNames.find((name) => name === values.dialect);
    if (dialect === undefined) {
      return {
        kind: 'usage-error',
        message: `--dialect is "${values.dialect}", write one of ${dialectNames.join(', ')}`,
      };
    }
    const check = values.contract ? 'contract' : values.check ? 'specification' : 'none';
    return {
      kind: 'inspect',
      path,
      top: Number(values.top),
      isJson: values.json,
      isSymbolized: values.symbolize,
      check,
      dialect,
    };
  } catch (error) {
    return { kind: 'usage-error', message: firstSentenceOf(error) };
  }
}

/** The file with names from this machine; says on standard error what came of it. */
async function symbolize(file: ProfilesFile, io: InspectIo): Promise<ProfilesFile> {
  const { data, named, unnamed } = await symbolizeProfiles(file.messages.map((message) => message.data));
  const reasons = Array.from(unnamed, ([reason, count]) => `${count} not (${reason})`);
  io.stderr(`Native addresses: ${[`${named} named`, ...reasons].join(', ')}.\n`);
  return { ...file, messages: file.messages.map((message, index) => ({ ...message, data: data[index]! })) };
}

function report(file: ProfilesFile, sizeBytes: number, options: InspectOptions, io: InspectIo): number {
  const faults = options.check === 'none' ? [] : checkFile(file, options.check === 'contract');
  const findings = lintFile(file, options.dialect);
  const data = file.messages.map((message) => message.data);
  const summary = summarizeProfiles(data, options.top);
  if (options.isJson) {
    const { path, check, dialect } = options;
    const head = { file: path, format: file.format, sizeBytes, messages: data.length };
    const judged = { ...(check !== 'none' && { faults }), ...(dialect !== 'generic' && { findings }) };
    io.stdout(`${toJson({ ...head, ...summary, ...judged })}\n`);
  } else {
    const messages = `${data.length} message${data.length === 1 ? '' : 's'}`;
    io.stdout(`${options.path}: ${file.format}, ${messages}, ${sizeBytes.toLocaleString('en-US')} bytes\n`);
    if (options.check !== 'none') io.stdout(printFindings('Check', 'fault', faults, options.top));
    if (options.dialect !== 'generic') {
      io.stdout(printFindings(`Dialect ${options.dialect}`, 'finding', findings, options.top));
    }
    const columns = io.columns ?? Number.POSITIVE_INFINITY;
    io.stdout(`\n${printSummary(summary, { top: options.top, columns })}`);
  }
  return faults.length + findings.length === 0 ? exitCodes.ok : exitCodes.failure;
}

function checkFile(file: ProfilesFile, hasContract: boolean): ConformanceFault[] {
  return inEachMessage(file, ({ data, referencedStrings }) => {
    const faults = checkConformance(data, referencedStrings);
    return hasContract ? [...faults, ...checkContract(data, referencedStrings)] : faults;
  });
}

function lintFile(file: ProfilesFile, dialect: DialectName): ConformanceFault[] {
  const compression = /gzip|zstd/.exec(file.format)?.[0] as 'gzip' | 'zstd' | undefined;
  const lint = new DialectLint(dialect, compression);
  return inEachMessage(file, ({ data, referencedStrings }) => lint.lint(data, referencedStrings));
}

/** The faults of all messages, with the number of each where there are several. */
function inEachMessage(
  { messages }: ProfilesFile,
  judge: (message: ProfilesFile['messages'][number]) => ConformanceFault[],
): ConformanceFault[] {
  if (messages.length === 1) return judge(messages[0]!);
  return messages.flatMap((message, index) => {
    return judge(message).map(({ path, problem }) => ({ path: `message ${index + 1}: ${path}`, problem }));
  });
}

/** 64-bit numbers are written in full: JSON sets no bound to them. */
function toJson(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? rawJSON(String(item)) : item), 2);
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
