import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { runConvert } from '../../src/cli/convert.ts';
import { runInspect } from '../../src/cli/inspect.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { decodePprof } from '../../src/profile/formats/decode-pprof.ts';
import type { PprofLabel, PprofProfile } from '../../src/profile/formats/pprof-profile.ts';
import { serve } from '../support/http-harness.ts';
import { createLivePage, liveCycleOf } from '../support/live-page.ts';
import { exampleProfiles } from './example-profiles.ts';
import { locatePeers } from './peers.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-pprof-'));
after(() => rmSync(folder, { recursive: true }));

const example = join(folder, 'example.otlp');
writeFileSync(example, encodeProfilesData(exampleProfiles()));
const inputs = [
  { name: 'the example', file: example },
  { name: 'requests of a real profiler', file: join(import.meta.dirname, '../otlp/fixtures/profiler-97hz.otlp') },
];

async function convert(input: string, to: string, output: string, ...more: readonly string[]): Promise<void> {
  const told: string[] = [];
  const io = {
    stdout: () => {},
    stderr: (text: string) => void told.push(text),
    stdin: Readable.from([]),
    isTerminal: false,
  };
  assert.equal(await runConvert([input, '--to', to, '-o', output, ...more], io), 0, told.join(''));
}

interface PeerContent {
  readonly types: readonly string[];
  readonly default: string;
  readonly file: string;
  readonly samples: readonly {
    readonly stack: readonly string[];
    readonly values: readonly string[];
    readonly labels: readonly string[];
  }[];
}

/** Content of a profile as pprof's library understands it, and the bytes that it writes of it. */
function peer(file: string): { content: PeerContent; written: Buffer } {
  const output = join(folder, 'written.pb.gz');
  const content = JSON.parse(
    execFileSync(locatePeers().pprof, [file, output], { encoding: 'utf8', maxBuffer: 256 << 20 }),
  );
  return { content, written: readFileSync(output) };
}

/** The same in our words. */
function samplesOf({ samples, locations, mappings, functions }: PprofProfile): string[] {
  return samples
    .map(({ locations: stack, values, labels }) => {
      const frames = stack.map((index) => {
        const { mapping, address, lines } = locations[index]!;
        const { file, start, buildId } = mappings[mapping] ?? { file: '', start: 0n, buildId: '' };
        const place = mapping === 0 ? '' : ` ${file}@${start.toString(16)} ${buildId}`;
        const called = lines.map(
          ({ function: id, line, column }) => ` ${functions[id]!.name} ${functions[id]!.file}:${line}:${column}`,
        );
        return `${address.toString(16)}${place}${called.join('')}`;
      });
      return JSON.stringify([frames, values.map(String), labels.map(labelText).sort()]);
    })
    .sort();
}

function labelText(label: PprofLabel): string {
  const quoted = (text: string): string => JSON.stringify(text);
  if ('text' in label) return `${label.key}=[${quoted(label.text)}]`;
  return `${label.key}=[${label.number}][${quoted(label.unit)}]`;
}

for (const { name, file } of inputs) {
  for (const more of [[], ['--timestamps']]) {
    test(`pprof's library accepts ${name}${more.map((option) => ` with ${option}`).join('')} and reads what we wrote, and we read what it writes`, async () => {
      const output = join(folder, 'out.pb.gz');
      await convert(file, 'pprof', output, ...more);
      const ours = decodePprof(gunzipSync(readFileSync(output)));
      const { content, written } = peer(output);
      assert.deepEqual(
        content.types,
        ours.sampleTypes.map(({ type, unit }) => `${type}/${unit}`),
      );
      assert.equal(content.default, ours.defaultSampleType);
      const theirs = content.samples.map(({ stack, values, labels }) => JSON.stringify([stack, values, labels])).sort();
      assert.deepEqual(theirs, samplesOf(ours));
      assert.deepEqual(samplesOf(decodePprof(gunzipSync(written))), samplesOf(ours));
    });
  }

  test(`${name}: OTLP → pprof → pprof's library → OTLP → pprof keeps every sample`, async () => {
    const [first, second, otlp, last] = ['first.pb.gz', 'second.pb.gz', 'back.otlp', 'last.pb.gz'].map((each) =>
      join(folder, each),
    );
    await convert(file, 'pprof', first!);
    writeFileSync(second!, peer(first!).written);
    await convert(second!, 'otlp', otlp!);
    await convert(otlp!, 'pprof', last!);
    const contents = (path: string): string[] => samplesOf(decodePprof(gunzipSync(readFileSync(path))));
    assert.deepEqual(contents(last!), contents(first!));
  });

  test(`go tool pprof -top gives the figures of inspect --top for ${name}`, async () => {
    const output = join(folder, 'top.pb.gz');
    await convert(file, 'pprof', output);
    const args = [
      'tool',
      'pprof',
      '-top',
      '-symbolize=none',
      '-sample_index=0',
      '-nodecount=100000',
      '-nodefraction=0',
      output,
    ];
    const text = execFileSync('go', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const theirs = new Map<string, string>();
    for (const [, flat, cum, called] of text.matchAll(
      /^ *(\d+) +[\d.]+% +[\d.]+% +(\d+) +[\d.]+% {2}(.*?)(?: \(inline\))?$/gm,
    )) {
      theirs.set(called!, `${flat} ${cum}`);
    }
    let json = '';
    const io = {
      stdout: (content: string) => {
        json += content;
      },
      stderr: () => {},
      stdin: Readable.from([]),
      columns: undefined,
    };
    assert.equal(await runInspect([file, '--json', '--top', '999999'], io), 0);
    const [{ functions, total }] = JSON.parse(json).types;
    // pprof tells functions apart by name alone; of equal names only the sum of what was measured in them can be compared.
    const byName = Map.groupBy(functions as { name: string; self: number; total: number }[], (each) => each.name);
    let compared = 0;
    for (const [called, [each, ...others]] of byName) {
      if (/\+0x[0-9a-f]+$/.test(called) || others.length > 0) continue;
      assert.equal(theirs.get(called), `${each!.self} ${each!.total}`, called);
      compared += 1;
    }
    assert.ok(compared > 0);
    assert.match(text, new RegExp(`of ${total} total|Total samples = ${total}|${total}, 100%`));
    console.log(`${name}: ${compared} functions compared, total ${total}`);
  });
}

test('go tool pprof reads the profile of a running service as that of any Go service', async (context) => {
  const page = createLivePage();
  const base = await serve(context, page);
  const data = exampleProfiles();
  page.addCycle(liveCycleOf(data, Date.now()));
  const environment = { ...process.env, PPROF_TMPDIR: folder, PPROF_BINARY_PATH: folder };
  const pprof = async (...args: readonly string[]) => {
    return promisify(execFile)('go', ['tool', 'pprof', ...args], { cwd: folder, env: environment });
  };
  const top = await pprof('-top', '-sample_index=samples', `${base}/live/profile`);
  const folded = await (await fetch(`${base}/live/profile?format=folded&by=none`)).text();
  const total = folded
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  assert.match(top.stdout, new RegExp(`of ${total} total`));
  const timed = await pprof('-top', '-seconds', '30', `${base}/live/profile?format=pprof`);
  assert.match(timed.stdout, /Type: cpu/);
  const tagged = await pprof('-tags', `${base}/live/profile`);
  assert.match(tagged.stdout, /service\.name/);
  await assert.rejects(
    pprof('-top', `${base}/live/profile?format=png`),
    /format: is "png"; write one of pprof, folded/,
  );
});
