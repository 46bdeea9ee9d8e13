import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { InspectIo } from '../../src/cli/inspect.ts';
import { runInspect } from '../../src/cli/inspect.ts';
import { htlhashOf } from '../../src/native/elf/build-id.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { buildData } from '../support/build-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-inspect-'));
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function inspect(...args: string[]): Promise<Outcome> {
  return inspectOn({}, ...args);
}

async function inspectOn(terminal: Partial<InspectIo>, ...args: string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const code = await runInspect(args, {
    stdin: Readable.from([]),
    columns: undefined,
    ...terminal,
    stdout: (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
    },
  });
  return { code, ...written };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const good = file('good.otlp', encodeProfilesData(goodProfiles()));

test('inspect prints what is in a file', async () => {
  const { code, stdout, stderr } = await inspect(good);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `${good}: protobuf, 1 message, ${encodeProfilesData(goodProfiles()).length} bytes

Resources: 1
  service or executable  resources  profiles  samples  samples %
  shop                           1         1        2    100.0 %
  scope: framekeeper 0.1.0

samples/count, one every 50,000,000 cpu/nanoseconds
  1 profile, 2 samples, 3 observations, total 3
  2026-01-01T00:00:00.000Z to 2026-01-01T00:00:05.000Z (5.000 s)
  in the kernel 33.3 %, in stubs 0.0 %

  frame type  frames  named %  named  stubs  unnamed  self %
  native           8   75.0 %      6      0        2  66.7 %
  kernel           1  100.0 %      1      0        0  33.3 %

  unnamed in     frames  addresses
  /usr/bin/shop       2          1

  self  self %  total  total %  type    function       file
     2  66.7 %      2   66.7 %  native  shop+0x1234
     1  33.3 %      1   33.3 %  kernel  do_syscall_64
     0   0.0 %      3  100.0 %  native  add            shop.c
     0   0.0 %      3  100.0 %  native  checkout       shop.c
`,
  );
});

test('a recursive function is in a sample once', async () => {
  const data = goodProfiles();
  data.dictionary.stackTable[1]!.locationIndices = [2, 2, 2];
  const { stdout } = await inspect(file('recursive.otlp', encodeProfilesData(data)), '--json');
  const { functions, total } = JSON.parse(stdout).types[0];
  assert.equal(total, 3);
  assert.equal(functions.find(({ name }: { name: string }) => name === 'checkout').total, 3);
});

test('inspect --top bounds the functions', async () => {
  const { stdout } = await inspect(good, '--top', '1');
  assert.match(stdout, /shop\+0x1234/);
  assert.doesNotMatch(stdout, /do_syscall_64/);
});

test('inspect --json prints the same as data, with exact numbers', async () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples[0]!.values = [2n ** 62n, 1n];
  const { code, stdout } = await inspect(file('large.otlp', encodeProfilesData(data)), '--json');
  assert.equal(code, 0);
  assert.match(stdout, /"total": 4611686018427387906,/);
  const summary = JSON.parse(stdout);
  assert.equal(summary.format, 'protobuf');
  assert.deepEqual(summary.resources[0].attributes, { 'service.name': 'shop' });
  assert.equal(summary.types[0].sampleType, 'samples/count');
  assert.deepEqual(summary.types[0].unnamed, [{ file: '/usr/bin/shop', addresses: 1, frames: 2 }]);
  assert.equal('faults' in summary, false);
});

const message = encodeProfilesData(goodProfiles());
const json = encodeProfilesJson(goodProfiles());
const length = Buffer.alloc(4);
length.writeUInt32BE(message.length);
const lines = Buffer.from(`${json}\n`);

function delimited(bytes: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}

function twice(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, bytes]);
}

for (const { name, content, format, messages } of [
  { name: 'one protobuf message', content: message, format: 'protobuf', messages: 1 },
  {
    name: 'length-delimited protobuf',
    content: Buffer.concat([length, message, length, message]),
    format: 'length-delimited protobuf',
    messages: 2,
  },
  { name: 'a JSON document', content: json, format: 'JSON', messages: 1 },
  {
    name: 'a JSON document over many lines',
    content: `\ufeff${JSON.stringify(JSON.parse(json), null, 2)}\n`,
    format: 'JSON',
    messages: 1,
  },
  { name: 'JSON lines', content: `${json}\n${json}\n\n${json}`, format: 'JSON lines', messages: 3 },
  { name: 'zstd, a frame a line', content: twice(zstdCompressSync(lines)), format: 'JSON lines, zstd', messages: 2 },
  {
    name: 'gzip, a member a message',
    content: twice(gzipSync(delimited(message))),
    format: 'length-delimited protobuf, gzip',
    messages: 2,
  },
  // What the Collector's file exporter writes with compression: zstd, unless exporter.file.nativeCompression is on.
  {
    name: 'messages compressed one by one',
    content: twice(delimited(zstdCompressSync(message))),
    format: 'length-delimited protobuf, zstd in each message',
    messages: 2,
  },
  {
    name: 'JSON documents compressed one by one',
    content: twice(delimited(zstdCompressSync(Buffer.from(json)))),
    format: 'length-delimited JSON, zstd in each message',
    messages: 2,
  },
]) {
  test(`inspect reads ${name}`, async () => {
    const { code, stdout } = await inspect(file('any', content), '--json', '--check');
    const summary = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.deepEqual([summary.format, summary.messages], [format, messages]);
    assert.equal(summary.types[0].samples, 2 * messages);
    assert.equal(summary.resources.length, 1, 'the same resource in several messages is one');
    assert.deepEqual(summary.faults, []);
  });
}

test('inspect reads a protobuf message that begins like JSON', async () => {
  // A line feed is field 1, a brace is the length 123, a quotation mark the length 34.
  const data = goodProfiles();
  for (const table of Object.values(data.dictionary)) table.length = 0;
  data.dictionary.stringTable.push('');
  data.resourceProfiles[0]!.scopeProfiles = [];
  data.resourceProfiles[0]!.resource.attributes = [{ key: 'service.name', value: 'at the corner ' }];
  data.resourceProfiles[0]!.schemaUrl = 'x'.repeat(85);
  const bytes = encodeProfilesData(data);
  assert.equal(Buffer.from(bytes.subarray(0, 4)).toString(), '\n{\n"');
  const { code, stdout } = await inspect(file('brace.otlp', bytes));
  assert.equal(code, 0);
  assert.match(stdout, /protobuf, 1 message/);
});

test('inspect --check exits 1 and prints the paths', async () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples[1]!.stackIndex = 9;
  const spoiled = file('spoiled.otlp', encodeProfilesData(data));
  const { code, stdout } = await inspect(spoiled, '--check');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /Check: 2 faults\n {2}resource_profiles\[0\]: scope_profiles\[0\]: profile\[0\]: sample\[1\]: stack_index: index 9 is out/,
  );
  assert.equal((await inspect(spoiled)).code, 0, 'without --check nothing is judged');
  const printed = JSON.parse((await inspect(spoiled, '--check', '--json')).stdout);
  assert.equal(printed.faults.length, 2);
});

test('inspect --check says so when there is no fault', async () => {
  const { code, stdout } = await inspect(good, '--check');
  assert.equal(code, 0);
  assert.match(stdout, /^.* bytes\nCheck: no faults\n\nResources: 1\n/);
});

test('inspect --check names the message of several', async () => {
  const data = goodProfiles();
  data.dictionary.stringTable.push('lost');
  const { code, stdout } = await inspect(file('lines', `${json}\n${encodeProfilesJson(data)}\n`), '--check');
  assert.equal(code, 1);
  assert.match(stdout, / {2}message 2: dictionary: string_table\[13\]: is referred to by nothing\n/);
});

test('inspect --contract judges by our own promises too', async () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes[0]!.key = 'host.name';
  const foreign = file('foreign.otlp', encodeProfilesData(data));
  assert.equal((await inspect(foreign, '--check')).code, 0);
  const { code, stdout } = await inspect(foreign, '--contract');
  assert.equal(code, 1);
  assert.match(stdout, /resource: has no service\.name/);
});

test('control characters in names do not reach the terminal', async () => {
  const data = goodProfiles();
  data.dictionary.stringTable[9] = 'evil\u001b[2Jname';
  const { stdout } = await inspect(file('evil.otlp', encodeProfilesData(data)));
  assert.match(stdout, /evil\ufffd\[2Jname/);
});

for (const { name, content, problem } of [
  { name: 'an empty file', content: '', problem: 'is empty' },
  {
    name: 'half a gzip file',
    content: gzipSync(json).subarray(0, 40),
    problem: 'is compressed with gzip, but unexpected end of file',
  },
  {
    name: 'half a zstd message',
    content: delimited(zstdCompressSync(message).subarray(0, 30)),
    problem: /^message 1: is compressed with zstd, but /,
  },
  { name: 'text', content: 'hello world', problem: /field 13: begins a group|wire type|beyond/ },
  {
    name: 'JSON of traces',
    content: '{"resourceSpans":[{"resource":{}}]}',
    problem: /^has no dictionary; it may be of traces/,
  },
  { name: 'protobuf without a dictionary', content: Buffer.from([0x0a, 2, 0x0a, 0]), problem: /^has no dictionary/ },
  { name: 'broken JSON', content: '{"resourceProfiles":[', problem: /^is not JSON: / },
  {
    name: 'a broken line',
    content: `${json}\n{"dictionary":[]}\n`,
    problem: 'message 2: dictionary: is a list where an object belongs',
  },
  {
    name: 'a length-delimited file that was cut off',
    content: Buffer.concat([length, message, length, message.subarray(0, 10)]),
    problem: 'message 2: the file ends inside it, 14 bytes after its beginning',
  },
  {
    name: 'a broken message of a length-delimited file',
    content: Buffer.concat([Buffer.from([0, 0, 0, 2, 0x0a, 9])]),
    problem: 'message 1: field 1: has length 9 beyond its message (byte 2)',
  },
]) {
  test(`inspect says that ${name} is none, with exit code 1`, async () => {
    const path = file('refused', content);
    const { code, stdout, stderr } = await inspect(path);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    const prefix = `${path}: is not a file of OTLP profiles: `;
    assert.ok(stderr.startsWith(prefix), stderr);
    if (typeof problem === 'string') assert.equal(stderr.slice(prefix.length), `${problem}\n`);
    else assert.match(stderr.slice(prefix.length), problem);
  });
}

for (const { name, args, message: expected } of [
  { name: 'no file', args: [], message: /expected one file, got 0; see --help/ },
  { name: 'two files', args: ['a', 'b'], message: /expected one file, got 2/ },
  { name: 'an unknown option', args: ['--chek', 'a'], message: /Unknown option '--chek'; see --help/ },
  { name: 'a --top that is no number', args: ['--top', 'x', 'a'], message: /--top is "x", write a whole number/ },
  { name: 'a file that is not there', args: [join(folder, 'none')], message: /cannot be read: ENOENT/ },
  { name: 'a folder', args: [folder], message: /cannot be read: EISDIR/ },
]) {
  test(`inspect answers ${name} with exit code 2`, async () => {
    const { code, stdout, stderr } = await inspect(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, expected);
  });
}

test('inspect --help explains itself', async () => {
  const { code, stdout } = await inspect('--help');
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: framekeeper inspect/);
});

test('inspect --dialect lists what a backend would make of the file, and where', async () => {
  const { code, stdout } = await inspect(good, '--dialect', 'pyroscope');
  assert.equal(code, 1);
  const [, listed] = stdout.split('\n\n')[0]!.split('\nDialect ');
  assert.equal(
    listed,
    `pyroscope: 1 finding
  dictionary: location_table[1]: dropped: has no name, so it is missing in flame graphs`,
  );
});

test('inspect --dialect finds nothing in what the backend takes as it is', async () => {
  const { code, stdout } = await inspect(good, '--dialect', 'devfiler');
  assert.equal(code, 0);
  assert.match(stdout, /\nDialect devfiler: no findings\n\n/);
});

test('inspect --dialect --json adds the findings', async () => {
  const { code, stdout } = await inspect(good, '--dialect', 'pyroscope', '--json');
  assert.equal(code, 1);
  const problem = 'dropped: has no name, so it is missing in flame graphs';
  assert.deepEqual(JSON.parse(stdout).findings, [{ path: 'dictionary: location_table[1]', problem }]);
});

test('inspect --dialect refuses a backend that it does not know', async () => {
  const { code, stderr } = await inspect(good, '--dialect', 'pyro');
  assert.equal(code, 2);
  assert.match(stderr, /--dialect is "pyro", write one of generic, pyroscope, parca, devfiler, elastic; see --help\./);
});

test('inspect --dialect keeps control characters of the file from the terminal', async () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes.push({ key: '\u001b[2J', value: true });
  const { stdout } = await inspect(file('escape.otlp', encodeProfilesData(data)), '--dialect', 'pyroscope');
  assert.ok(!stdout.includes('\u001b'));
});

test('inspect reads standard input', async () => {
  const stdin = Readable.from([Buffer.from(message.subarray(0, 100)), Buffer.from(message.subarray(100))]);
  const { code, stdout } = await inspectOn({ stdin }, '-');
  assert.equal(code, 0);
  assert.match(stdout, /^-: protobuf, 1 message, /);
});

/** A node: a resource for each process, none with a service.name; the executable with the number n has n processes. */
function nodeProfiles(executables: number): ReturnType<typeof goodProfiles> {
  const data = goodProfiles();
  const [one] = data.resourceProfiles;
  data.resourceProfiles = Array.from({ length: executables }, (_, index) => index + 1).flatMap((number) =>
    Array.from({ length: number }, (_, process) => {
      const attributes = [
        { key: 'process.pid', value: BigInt(process) },
        { key: 'process.executable.name', value: `tool-${number}` },
        { key: 'host.name', value: 'node-7' },
      ];
      return { ...one!, resource: { ...one!.resource, attributes } };
    }),
  );
  return data;
}

test('inspect groups the resources of a node by executable, most samples first, bounded by --top', async () => {
  const node = file('node.otlp', encodeProfilesData(nodeProfiles(6)));
  const { stdout } = await inspect(node, '--top', '3');
  assert.equal(
    stdout.split('\n\n')[1],
    `Resources: 21, 21 without service.name
  service or executable  resources  profiles  samples  samples %
  tool-6                         6         6       12     28.6 %
  tool-5                         5         5       10     23.8 %
  tool-4                         4         4        8     19.0 %
  (3 others)                     6         6       12     28.6 %
  scope: framekeeper 0.1.0
  all: host.name=node-7`,
  );
});

test('inspect groups findings of a kind, and tells the first of each', async () => {
  const node = file('node.otlp', encodeProfilesData(nodeProfiles(2)));
  const { code, stdout } = await inspect(node, '--contract', '--top', '1');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /\nCheck: \d+ faults of \d+ kinds\n {2}\d+ times, first resource_profiles\[0\]: .*\n {2}and \d+ of \d+ other kinds \(--top shows more\)\n\n/,
  );
});

test('inspect counts the findings that a check does not list', async () => {
  const data = goodProfiles();
  data.dictionary.stringTable.push(...Array.from({ length: 150 }, (_, index) => `lost ${index}`));
  const { stdout } = await inspect(file('lost.otlp', encodeProfilesData(data)), '--check');
  assert.match(
    stdout,
    /\nCheck: 150 faults\n {2}100 times, first dictionary: string_table\[13\]: .*\n {2}and 50 that are not told apart/,
  );
});

test('inspect is no wider than the terminal: long names lose their middle, wide characters count twice', async () => {
  const data = goodProfiles();
  data.dictionary.stringTable[9] = `ns::${'関数'.repeat(60)}::run`;
  const path = file('wide.otlp', encodeProfilesData(data));
  const { stdout } = await inspectOn({ columns: 80 }, path);
  const [line] = stdout.split('\n').filter((text) => text.includes('::run'));
  assert.match(line!, /ns::(関数)+.?…/);
  const width = [...line!].reduce((sum, character) => sum + (/[\u3000-\u9fff]/.test(character) ? 2 : 1), 0);
  assert.ok(width <= 80, `${width} columns`);
  assert.ok((await inspect(path)).stdout.includes('関数'.repeat(60)), 'nothing is cut where there is no terminal');
});

test('inspect --symbolize names native frames from the executables of this machine', async () => {
  const executable = readFileSync(process.execPath);
  const mapping = { 'process.executable.build_id.htlhash': htlhashOf(new MemorySource(executable)) };
  const known = { address: executable.readBigUInt64LE(24), file: process.execPath, mapping };
  const unknown = {
    address: 0x1234n,
    file: '/nowhere/lib.so',
    mapping: { 'process.executable.build_id.gnu': 'abcdef' },
  };
  const path = file('native.otlp', encodeProfilesData(buildData({ samples: [{ stack: [known, unknown], at: [1] }] })));
  const { code, stdout, stderr } = await inspect('--symbolize', path);
  assert.equal(code, 0);
  assert.equal(stderr, 'Native addresses: 1 named, 1 not (no_process).\n');
  assert.match(stdout, /_start/);
  assert.doesNotMatch((await inspect(path)).stdout, /_start/);
});
