import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { runConvert } from '../../src/cli/convert.ts';
import { runInspect } from '../../src/cli/inspect.ts';
import { decodeJson } from '../../src/otlp/json/decode-profiles-json.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { decodePprof } from '../../src/profile/formats/decode-pprof.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-convert-'));
after(() => rmSync(folder, { recursive: true }));

const good = join(folder, 'good.otlp');
writeFileSync(good, encodeProfilesData(goodProfiles()));

interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

async function convert(
  args: readonly string[],
  given: { stdin?: Uint8Array; isTerminal?: boolean } = {},
): Promise<Outcome> {
  const written: Buffer[] = [];
  let stderr = '';
  const code = await runConvert(args, {
    stdout: (content) => void written.push(Buffer.from(content)),
    stderr: (text) => {
      stderr += text;
    },
    stdin: Readable.from(given.stdin === undefined ? [] : [given.stdin]),
    isTerminal: given.isTerminal ?? false,
  });
  return { code, stdout: Buffer.concat(written), stderr };
}

test('convert writes pprof, compressed as the format wants it, and tells what it has no place for', async () => {
  const { code, stdout, stderr } = await convert([good, '--to', 'pprof']);
  assert.equal(code, 0, stderr);
  assert.equal(decodePprof(gunzipSync(stdout)).samples.length, 2);
  assert.match(
    stderr,
    /^framekeeper convert: pprof has no place for 1 profile IDs, 3 timestamps \(--timestamps keeps them\), \d+ frame types/,
  );
});

test('convert writes to a file with -o, and reads standard input', async () => {
  const output = join(folder, 'out.folded');
  const { code, stdout } = await convert(['-', '--to', 'folded', '-o', output], { stdin: readFileSync(good) });
  assert.deepEqual([code, stdout.length], [0, 0]);
  assert.match(readFileSync(output, 'utf8'), /^shop;checkout;add_\[i\];shop\+0x1234 2\n/);
});

test('convert joins several files to OTLP with one sound dictionary', async () => {
  for (const [to, decode] of [
    ['otlp', decodeProfilesData],
    ['otlp-json', (bytes: Buffer) => decodeJson(bytes.toString()).data],
  ] as const) {
    const { code, stdout, stderr } = await convert([good, good, '--to', to]);
    assert.equal(code, 0, stderr);
    const data = decode(stdout);
    assert.deepEqual([data.resourceProfiles.length, checkConformance(data)], [1, []]);
    assert.equal(data.resourceProfiles[0]!.scopeProfiles[0]!.profiles.length, 2);
  }
});

test('convert and inspect read pprof', async () => {
  const pprof = join(folder, 'good.pb.gz');
  await convert([good, '--to', 'pprof', '-o', pprof]);
  const { code, stdout } = await convert([pprof, '--to', 'folded']);
  assert.equal(code, 0);
  assert.equal(stdout.toString(), (await convert([good, '--to', 'folded'])).stdout.toString().replaceAll('_[k]', ''));
  let shown = '';
  const io = {
    stdout: (text: string) => {
      shown += text;
    },
    stderr: () => {},
    stdin: Readable.from([]),
    columns: undefined,
  };
  assert.equal(await runInspect([pprof, '--check'], io), 0, shown);
  assert.match(shown, /pprof, gzip, 1 message.*\nCheck: no faults\n/);
  assert.match(
    shown,
    /samples\/count, one every 50,000,000 cpu\/nanoseconds\n {2}1 profile, 2 samples, 2 observations, total 3\n/,
  );
});

test('convert selects, groups, and says which words a selection can use when nothing is left', async () => {
  const { stdout } = await convert([good, '--to', 'folded', '--group-by', 'none', '--from', '1767225604.5']);
  assert.equal(stdout.toString(), 'checkout;add_[i];do_syscall_64_[k] 1\n');
  const { code, stderr } = await convert([good, '--to', 'folded', '--service', 'db']);
  assert.equal(code, 1);
  assert.match(stderr, /no sample is left of the services shop and the types samples\/count\.$/m);
});

test('convert draws an SVG with a title', async () => {
  const { stdout } = await convert([good, '--to', 'svg']);
  assert.match(
    stdout.toString(),
    /aria-label="3 samples\/count, 0\.1 s on CPU"|aria-label="3 samples\/count, 0\.2 s on CPU"/,
  );
});

for (const { name, args, given, code, problem } of [
  { name: 'no file', args: ['--to', 'svg'], code: 2, problem: /expected a file, got none/ },
  { name: 'no format', args: [good], code: 2, problem: /--to is missing, write one of pprof, folded/ },
  { name: 'another format', args: [good, '--to', 'jfr'], code: 2, problem: /--to is "jfr", write one of/ },
  { name: 'a time that is none', args: [good, '--to', 'svg', '--from', 'noon'], code: 2, problem: /--from is "noon"/ },
  {
    name: 'a group that is none',
    args: [good, '--to', 'svg', '--group-by', 'pod'],
    code: 2,
    problem: /--group-by is "pod"/,
  },
  { name: 'groups in pprof', args: [good, '--to', 'pprof', '--group-by', 'thread'], code: 2, problem: /-tagroot/ },
  { name: 'timestamps elsewhere', args: [good, '--to', 'svg', '--timestamps'], code: 2, problem: /for pprof alone/ },
  { name: 'a PID that is none', args: [good, '--to', 'svg', '--pid', 'x'], code: 2, problem: /--pid is "x"/ },
  { name: 'an unknown option', args: [good, '--tо', 'svg'], code: 2, problem: /Unknown option/ },
  { name: 'a file that is not there', args: [join(folder, 'none'), '--to', 'svg'], code: 2, problem: /ENOENT/ },
  {
    name: 'bytes for a terminal',
    args: [good, '--to', 'pprof'],
    given: { isTerminal: true },
    code: 2,
    problem: /is binary; write it to a file with -o FILE/,
  },
  {
    name: 'a file that is none',
    args: ['-', '--to', 'svg'],
    given: { stdin: Buffer.from('hello world') },
    code: 1,
    problem: /-: is not a file of profiles: /,
  },
]) {
  test(`convert answers ${name} with exit code ${code}`, async () => {
    const outcome = await convert(args, given);
    assert.deepEqual([outcome.code, outcome.stdout.length], [code, 0]);
    assert.match(outcome.stderr, problem);
  });
}

test('convert --help explains itself', async () => {
  const { code, stdout } = await convert(['--help']);
  assert.equal(code, 0);
  assert.match(stdout.toString(), /^Usage: framekeeper convert/);
});
