import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Command } from '../../src/cli/command-line.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { helpOf } from '../../src/cli/help.ts';

const sources = { configs: ['a.yaml'], sets: [] };

for (const { line, command } of [
  { line: '--config a.yaml', command: { kind: 'serve', sources } },
  { line: '--config=a.yaml', command: { kind: 'serve', sources } },
  { line: 'serve --config a.yaml', command: { kind: 'serve', sources } },
  {
    line: '--config a.yaml --set x.y=1 --config=env:B --set=x.z=2=3',
    command: { kind: 'serve', sources: { configs: ['a.yaml', 'env:B'], sets: ['x.y=1', 'x.z=2=3'] } },
  },
  { line: '--config a.yaml --feature-gates=+service.profilesSupport', command: { kind: 'serve', sources } },
  {
    line: 'validate --config a.yaml --feature-gates service.profilesSupport',
    command: { kind: 'validate', sources, isJson: false },
  },
  {
    line: 'print-config --config a.yaml',
    command: { kind: 'print-config', sources, mode: 'redacted', format: 'yaml' },
  },
  {
    line: 'print-config --config a.yaml --mode unredacted --format=json',
    command: { kind: 'print-config', sources, mode: 'unredacted', format: 'json' },
  },
  {
    line: 'print-initial-config --config a.yaml --validate=true',
    command: { kind: 'print-config', sources, mode: 'redacted', format: 'yaml' },
  },
  { line: 'validate --json --config a.yaml', command: { kind: 'validate', sources, isJson: true } },
  { line: 'components', command: { kind: 'components' } },
  { line: 'inspect --check x.otlp', command: { kind: 'inspect', args: ['--check', 'x.otlp'] } },
  { line: 'convert --to svg x.otlp', command: { kind: 'convert', args: ['--to', 'svg', 'x.otlp'] } },
  { line: 'inspect --help', command: { kind: 'inspect', args: ['--help'] } },
  { line: 'replay x --speed 2', command: { kind: 'replay', args: ['x', '--speed', '2'] } },
  { line: '--version', command: { kind: 'version' } },
  { line: '-v', command: { kind: 'version' } },
  { line: 'version', command: { kind: 'version' } },
  { line: '--help', command: { kind: 'help', of: undefined } },
  { line: '-h', command: { kind: 'help', of: undefined } },
  { line: 'help', command: { kind: 'help', of: undefined } },
  { line: 'help validate', command: { kind: 'help', of: 'validate' } },
  { line: 'validate --help', command: { kind: 'help', of: 'validate' } },
  { line: 'print-initial-config -h', command: { kind: 'help', of: 'print-config' } },
  { line: 'help replay', command: { kind: 'replay', args: ['--help'] } },
  { line: 'help help', command: { kind: 'help', of: undefined } },
  { line: '--config a.yaml --help', command: { kind: 'help', of: undefined } },
] as readonly { line: string; command: Command }[]) {
  test(`parseCommandLine reads "${line}"`, () => assert.deepEqual(parseCommandLine(line.split(' ')), command));
}

for (const { line, message } of [
  { line: '', message: 'at least one config flag must be provided; write --config otel-config.yaml.' },
  { line: 'serve', message: 'at least one config flag must be provided; write --config otel-config.yaml.' },
  { line: 'validate', message: 'at least one config flag must be provided; write --config otel-config.yaml.' },
  {
    line: 'print-config --mode redacted',
    message: 'at least one config flag must be provided; write --config otel-config.yaml.',
  },
  { line: 'otel-config.yaml', message: 'unknown command "otel-config.yaml"; write --config otel-config.yaml.' },
  {
    line: 'validate otel-config.yaml',
    message: 'unexpected argument "otel-config.yaml"; write --config otel-config.yaml.',
  },
  { line: 'validat --config a.yaml', message: 'unknown command "validat"; did you mean "validate"?' },
  { line: 'frobnicate', message: 'unknown command "frobnicate"; see --help.' },
  { line: '--confg a.yaml', message: 'unknown option "--confg"; did you mean "--config"?' },
  { line: '-config a.yaml', message: 'unknown option "-config"; did you mean "--config"?' },
  { line: '--color=always', message: 'unknown option "--color"; see --help.' },
  { line: '--config', message: '--config needs a value; see --help.' },
  { line: '--config=', message: '--config needs a value; see --help.' },
  { line: '--config a.yaml --set', message: '--set needs a value; see --help.' },
  { line: '--config --set', message: '--config needs a value; see --help.' },
  { line: '--config a.yaml validate', message: 'unexpected argument "validate"; write the command first.' },
  { line: '--config a.yaml extra', message: 'unexpected argument "extra"; see --help.' },
  { line: 'components --config a.yaml', message: 'unknown option "--config"; see --help.' },
  { line: 'validate --config a.yaml --mode redacted', message: 'unknown option "--mode"; see --help.' },
  {
    line: 'print-config --config a.yaml --mode plain',
    message: '--mode "plain" is not known; use one of redacted, unredacted.',
  },
  {
    line: 'print-config --config a.yaml --format toml',
    message: '--format "toml" is not known; use one of yaml, json.',
  },
  {
    line: '--config a.yaml --feature-gates=service.profilesSupport,-other',
    message: 'feature gate "-other" does not exist here; only service.profilesSupport is known, and always on.',
  },
  {
    line: '--config a.yaml --feature-gates=-service.profilesSupport',
    message:
      'feature gate "-service.profilesSupport" does not exist here; only service.profilesSupport is known, and always on.',
  },
]) {
  test(`parseCommandLine refuses "${line}"`, () => {
    const args = line === '' ? [] : line.split(' ');
    assert.deepEqual(parseCommandLine(args), { kind: 'usage-error', message });
  });
}

test('parseCommandLine keeps spaces and equal signs in values', () => {
  const command = parseCommandLine(['--config', 'my file.yaml', '--set', 'a.b=c = d']);
  assert.deepEqual(command, { kind: 'serve', sources: { configs: ['my file.yaml'], sets: ['a.b=c = d'] } });
});

test('parseCommandLine answers for any arguments', () => {
  const words = fc.constantFrom(
    'serve',
    'validate',
    '--config',
    '--set',
    '--mode',
    '=',
    'x',
    '',
    '-',
    '--',
    '--config=',
    '__proto__',
    '-h',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string())), (args) => {
      assert.equal(typeof parseCommandLine(args).kind, 'string');
    }),
  );
});

const topics = ['serve', 'validate', 'print-config', 'components'] as const;

test('the help names every command', () => {
  for (const word of [...topics, 'inspect', 'convert', 'replay', 'demo', '--help', '--version']) {
    assert.ok(helpOf(undefined).includes(word), word);
  }
});

test('the help of a command names its options', () => {
  const sourceOptions = ['--config', '--set', '--feature-gates'];
  const options = {
    serve: sourceOptions,
    validate: [...sourceOptions, '--json'],
    'print-config': [...sourceOptions, '--mode', '--format'],
    components: [],
  };
  for (const topic of topics) {
    for (const word of [`framekeeper ${topic === 'serve' ? '[serve]' : topic}`, ...options[topic]]) {
      assert.ok(helpOf(topic).includes(word), `${topic}: ${word}`);
    }
  }
  for (const topic of [...topics, undefined]) {
    assert.ok(
      helpOf(topic)
        .split('\n')
        .every((line) => line.length <= 120),
    );
  }
});
