import type { ConfigSources } from '../config/config-source.ts';
import { nearest } from '../config/nearest.ts';
import type { HelpTopic } from './help.ts';

/** Command is a parsed command line. `inspect`, `convert`, `replay`, `demo`, `top` and `tap` read their own arguments. */
export type Command =
  | { readonly kind: 'serve'; readonly sources: ConfigSources }
  | ({ readonly kind: 'validate' } & ValidateArgs)
  | ({ readonly kind: 'print-config' } & PrintConfigArgs)
  | { readonly kind: 'components' }
  | { readonly kind: 'inspect'; readonly args: readonly string[] }
  | { readonly kind: 'convert'; readonly args: readonly string[] }
  | { readonly kind: 'replay'; readonly args: readonly string[] }
  | { readonly kind: 'demo'; readonly args: readonly string[] }
  | { readonly kind: 'top'; readonly args: readonly string[] }
  | { readonly kind: 'tap'; readonly args: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly of: HelpTopic }
  /** A full sentence for standard error; exit code 2. */
  | { readonly kind: 'usage-error'; readonly message: string };

export interface ValidateArgs {
  readonly sources: ConfigSources;
  readonly isJson: boolean;
}

export interface PrintConfigArgs {
  readonly sources: ConfigSources;
  readonly mode: 'redacted' | 'unredacted';
  readonly format: 'yaml' | 'json';
}

const commands = [
  'serve',
  'validate',
  'print-config',
  'components',
  'inspect',
  'convert',
  'replay',
  'demo',
  'top',
  'tap',
  'version',
  'help',
] as const;
const configOptions = ['--config', '--set', '--feature-gates'];

/** Reads the arguments after the program's name. Never throws. */
export function parseCommandLine(args: readonly string[]): Command {
  const [first = ''] = args;
  const isNamed = first !== '' && !first.startsWith('-');
  const name = isNamed ? canonicalName(first) : 'serve';
  const rest = isNamed ? args.slice(1) : args;
  const command = commands.find((candidate) => candidate === name);
  if (command === undefined) return unknownCommand(first);
  if (command === 'help') return helpFor(rest[0] ?? '');
  if (isReader(command)) return { kind: command, args: rest };
  const ended = rest.find((arg) => ['-h', '--help', '-v', '--version'].includes(arg));
  if (ended === '-h' || ended === '--help') return helpFor(isNamed ? command : '');
  if (command === 'version' || ended !== undefined) return { kind: 'version' };
  try {
    return withOptions(command, rest);
  } catch (error) {
    if (error instanceof UsageError) return { kind: 'usage-error', message: error.message };
    throw error;
  }
}

type Reader = 'inspect' | 'convert' | 'replay' | 'demo' | 'top' | 'tap';

/** True for a command that reads its own arguments. */
function isReader(command: string): command is Reader {
  return ['inspect', 'convert', 'replay', 'demo', 'top', 'tap'].includes(command);
}

/** `help COMMAND` and `COMMAND --help` are the same; without a command it is the help of all. */
function helpFor(name: string): Command {
  const topic = commands.find((command) => command === canonicalName(name));
  switch (topic) {
    case 'inspect':
    case 'convert':
    case 'replay':
    case 'demo':
    case 'top':
    case 'tap':
      return { kind: topic, args: ['--help'] };
    case 'serve':
    case 'validate':
    case 'print-config':
    case 'components':
      return { kind: 'help', of: topic };
    default:
      return { kind: 'help', of: undefined };
  }
}

function canonicalName(name: string): string {
  // The Collector's older name, which its documentation still uses.
  return name === 'print-initial-config' ? 'print-config' : name;
}

function unknownCommand(name: string): Command {
  const close = nearest(name, commands);
  const isFile = /\.ya?ml$/.test(name);
  const remedy = isFile ? `write --config ${name}` : close === undefined ? 'see --help' : `did you mean "${close}"`;
  const end = !isFile && close !== undefined ? '?' : '.';
  return { kind: 'usage-error', message: `unknown command "${name}"; ${remedy}${end}` };
}

function withOptions(command: 'serve' | 'validate' | 'print-config' | 'components', args: readonly string[]): Command {
  if (command === 'components') {
    readOptions(args, []);
    return { kind: command };
  }
  if (command === 'serve') return { kind: command, sources: sourcesOf(readOptions(args, configOptions)) };
  if (command === 'validate') {
    const isJson = args.includes('--json');
    const others = args.filter((arg) => arg !== '--json');
    return { kind: command, sources: sourcesOf(readOptions(others, configOptions)), isJson };
  }
  const values = readOptions(args, [...configOptions, '--mode', '--format', '--validate']);
  return {
    kind: command,
    sources: sourcesOf(values),
    mode: choiceOf(values, '--mode', ['redacted', 'unredacted']),
    format: choiceOf(values, '--format', ['yaml', 'json']),
  };
}

type OptionValues = ReadonlyMap<string, readonly string[]>;

/** Values by option, in order; `--key value` and `--key=value` are the same. */
function readOptions(args: readonly string[], known: readonly string[]): OptionValues {
  const values = new Map<string, string[]>();
  const remaining = [...args];
  for (let arg = remaining.shift(); arg !== undefined; arg = remaining.shift()) {
    const equalSign = arg.indexOf('=');
    const option = equalSign < 0 ? arg : arg.slice(0, equalSign);
    if (!known.includes(option)) throw unknownArgument(arg, option, known);
    const value = equalSign < 0 ? remaining.shift() : arg.slice(equalSign + 1);
    if (value === undefined || value === '' || known.includes(value))
      throw new UsageError(`${option} needs a value; see --help.`);
    values.set(option, [...(values.get(option) ?? []), value]);
  }
  return values;
}

function sourcesOf(values: OptionValues): ConfigSources {
  checkFeatureGates(values.get('--feature-gates') ?? []);
  const configs = values.get('--config') ?? [];
  if (configs.length > 0) return { configs, sets: values.get('--set') ?? [] };
  throw new UsageError('at least one config flag must be provided; write --config otel-config.yaml.');
}

/** The one gate that a Collector needs for profiles is always open here; others would silently do nothing. */
function checkFeatureGates(lists: readonly string[]): void {
  for (const gate of lists.flatMap((list) => list.split(','))) {
    if (/^\+?service\.profilesSupport$/.test(gate)) continue;
    throw new UsageError(
      `feature gate "${gate}" does not exist here; only service.profilesSupport is known, and always on.`,
    );
  }
}

function choiceOf<const T extends string>(values: OptionValues, option: string, choices: readonly [T, ...T[]]): T {
  const value = values.get(option)?.at(-1);
  if (value === undefined) return choices[0];
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  throw new UsageError(`${option} "${value}" is not known; use one of ${choices.join(', ')}.`);
}

function unknownArgument(arg: string, option: string, known: readonly string[]): UsageError {
  if (!arg.startsWith('-')) {
    const isCommand = commands.some((command) => command === arg);
    const isFile = /\.ya?ml$/.test(arg) && known.includes('--config');
    const remedy = isCommand ? 'write the command first' : isFile ? `write --config ${arg}` : 'see --help';
    return new UsageError(`unexpected argument "${arg}"; ${remedy}.`);
  }
  const close = nearest(option, known);
  return new UsageError(
    `unknown option "${option}"; ${close === undefined ? 'see --help.' : `did you mean "${close}"?`}`,
  );
}

class UsageError extends Error {}
