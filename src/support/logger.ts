import type { DestinationStream, Logger } from 'pino';
import { destination as fileDestination, pino } from 'pino';
import type { Clock } from './clock.ts';

/** Section `service.telemetry.logs`. */
export interface LoggerConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly encoding: 'console' | 'json';
  /** Added to every line. */
  readonly initialFields: ReadonlyMap<string, string>;
}

const standardError = 2;

/** A logger whose lines look like the Collector's; secrets in them are redacted. Writes at once, so that a crash loses nothing. */
export function createLogger(
  { level, encoding, initialFields }: LoggerConfig,
  clock: Clock,
  output: DestinationStream = fileDestination({ fd: standardError, sync: true }),
): Logger {
  const format = encoding === 'json' ? formatJson : formatConsole;
  const family = new Set<WeakRef<Logger>>();
  const root = pino(
    {
      level,
      onChild: (child) => addMember(family, child),
      base: Object.fromEntries(initialFields),
      errorKey: 'error',
      timestamp: () => `,"ts":"${new Date(Number(clock.unixNano() / 1_000_000n)).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error) => (error instanceof Error ? error.message : error) },
    },
    // Redacted as text for output, because pino formats what a child was made with before anybody can look at it.
    {
      write: (line: string) => output.write(escapeInvisible(hideCredentials(format(redact(JSON.parse(line)) as Line)))),
    },
  );
  families.set(root, family);
  return root;
}

/** Children by root: pino's children keep the level that they were made with. */
const families = new WeakMap<Logger, Set<WeakRef<Logger>>>();

/** Children come and go with the components that a reload replaces. */
function addMember(family: Set<WeakRef<Logger>>, child: Logger): void {
  for (const member of family) if (member.deref() === undefined) family.delete(member);
  family.add(new WeakRef(child));
}

/** Changes the level of a logger that `createLogger` made, and of all its children. */
export function setLogLevel(root: Logger, level: LoggerConfig['level']): void {
  root.level = level;
  for (const member of families.get(root) ?? []) {
    const child = member.deref();
    if (child !== undefined) child.level = level;
  }
}

/** A child for one component, with the Collector's field names. */
export function componentLogger(
  logger: Logger,
  kind: 'receiver' | 'processor' | 'exporter' | 'extension',
  id: string,
): Logger {
  const signal = kind === 'extension' ? {} : { 'otelcol.signal': 'profiles' };
  return logger.child({ 'otelcol.component.id': id, 'otelcol.component.kind': kind, ...signal });
}

type Line = Readonly<Record<string, unknown>>;

function formatJson(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** Time, level, message and fields, separated by tabs, as zap's console encoder writes them. */
function formatConsole({ ts, level, msg, ...fields }: Line): string {
  const columns = [ts, level, escapeControls(String(msg ?? ''))];
  if (Object.keys(fields).length > 0) columns.push(JSON.stringify(fields));
  return `${columns.join('\t')}\n`;
}

const redacted = '[REDACTED]';
const secretKeys =
  /^(?:.*_pem|(?:proxy-)?authorization|(?:set-)?cookie|.*(?:password|passwd|secret|token|api[-_]?key).*)$/i;
const secretMaps = /^(?:response_)?headers$/i;
// Fields are short and flat; what lies deeper is not printed at all.
const maxDepth = 6;

function redact(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '…';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (secretKeys.test(key)) return [key, redacted];
      if (!secretMaps.test(key)) return [key, redact(item, depth + 1)];
      return [key, Object.fromEntries(Object.keys(Object(item)).map((name) => [name, redacted]))];
    }),
  );
}

/** Takes user names and passwords, which may hold an "@", out of URLs, wherever in a line they stand. */
function hideCredentials(line: string): string {
  return line.replace(/:\/\/[^\s/"'\\]+@/g, `://${redacted}@`);
}

/** Keeps a message on its line. */
function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f]/g, (char) => JSON.stringify(char).slice(1, -1));
}

/**
 * Escapes what JSON leaves as it is, in messages and fields alike: controls of terminals (C1), and those that change the order in which
 * text is shown. Names come from strangers, and a line must look like what it is.
 */
function escapeInvisible(line: string): string {
  return line.replace(invisible, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// Separators of lines and paragraphs are line breaks to some viewers.
const invisible = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
