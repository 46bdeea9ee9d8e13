import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { codeRanges } from '../../src/native/elf/code-ranges.ts';
import { identify } from '../../src/native/files/file-identity.ts';
import { InflatedFiles } from '../../src/native/files/inflate-to-file.ts';
import { openRegularFile } from '../../src/native/files/open-file.ts';
import type { AddressAnswer } from '../../src/native/object-file.ts';
import { ObjectFile } from '../../src/native/object-file.ts';
import { randomAddresses } from '../bench/symbolizer-run.ts';
import { findBinaries } from './native-programs.ts';

/** Random addresses of each file. */
const addressCount = Number(process.env.FRAMEKEEPER_NATIVE_ADDRESSES ?? 10_000);
const folder = mkdtempSync(join(tmpdir(), 'framekeeper-native-'));
after(() => rmSync(folder, { recursive: true }));

/** One function of a chain, innermost first. */
interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const compared: string[] = [];
const chains = { all: 0, equal: 0 };

for (const { name, path } of findBinaries(folder)) {
  test(`${name}: the chains of ${addressCount} random addresses are those of llvm-symbolizer`, async (t) => {
    if (path === undefined) return t.skip('there is none on this machine, and nothing to make one with');
    const { addresses, answers, ms } = await answer(path);
    const theirs = llvmSymbolizer(path, addresses);
    if (theirs === undefined) return t.skip('llvm-symbolizer is not installed');
    const differences = answers.flatMap((mine, index) => {
      const problem = compare(mine, theirs[index]!);
      return problem === undefined ? [] : [`0x${addresses[index]!.toString(16)}: ${problem}`];
    });
    const inlined = answers.filter(({ frames }) => frames.length > 1).length;
    const equal = addresses.length - differences.length;
    chains.all += addresses.length;
    chains.equal += equal;
    compared.push(
      `${name}: ${equal} of ${addresses.length} equal, ${inlined} with inlined functions, ${Math.round(ms)} ms`,
    );
    t.diagnostic(compared.at(-1)!);
    for (const difference of differences.slice(0, 10)) t.diagnostic(difference);
    assert.ok(equal / addresses.length >= 0.9999, `${differences.length} differ: ${differences[0]}`);
  });
}

/** GNU addr2line tells no columns, and has faults of its own: each difference must be one of these. */
const gnuFaults = [
  {
    name: 'llvm-symbolizer says the same as we do',
    holds: (mine: Chain, _gnu: Chain, llvm: Chain) => isSameChain(mine, llvm),
  },
  {
    name: 'neither finds a function, and it names a neighbour',
    holds: (mine: Chain, _gnu: Chain, llvm: Chain) =>
      mine.every(({ name }) => name === '') && llvm.every(({ name }) => name === ''),
  },
] as const;

type Chain = readonly Omit<Frame, 'column'>[];

for (const { name, path } of findBinaries(folder)) {
  test(`${name}: the chains of ${addressCount} random addresses are those of GNU addr2line, but for its faults`, async (t) => {
    if (path === undefined) return t.skip('there is none on this machine, and nothing to make one with');
    const { addresses, answers } = await answer(path);
    const theirs = gnuAddr2line(path, addresses);
    const llvm = llvmSymbolizer(path, addresses);
    if (theirs === undefined || llvm === undefined) return t.skip('addr2line or llvm-symbolizer is not installed');
    const explained = new Map<string, number>();
    const unexplained: string[] = [];
    let equal = 0;
    for (const [index, mine] of answers.map(chainOf).entries()) {
      const gnu = theirs[index]!;
      if (isSameChain(mine, gnu)) {
        equal++;
        continue;
      }
      const fault = gnuFaults.find(({ holds }) => holds(mine, gnu, llvm[index]!));
      if (fault === undefined) {
        unexplained.push(`0x${addresses[index]!.toString(16)}: ${JSON.stringify(mine)} and ${JSON.stringify(gnu)}`);
      } else explained.set(fault.name, (explained.get(fault.name) ?? 0) + 1);
    }
    t.diagnostic(
      `${name}: ${equal} of ${addresses.length} equal; ${JSON.stringify([...explained])}, ${unexplained.length} else`,
    );
    for (const difference of unexplained.slice(0, 10)) t.diagnostic(difference);
    assert.ok(unexplained.length / addresses.length <= 0.0001, `${unexplained.length} differ: ${unexplained[0]}`);
  });
}

function chainOf({ frames, tableName }: AddressAnswer): Chain {
  if (frames.length === 0) return [{ name: tableName, file: '', line: 0 }];
  return frames.map(({ linkageName, name, filePath, line }, index) => {
    const isOutermost = index === frames.length - 1;
    return { name: linkageName || name || (isOutermost ? tableName : ''), file: filePath, line };
  });
}

/** Depth, names of inlined functions, and lines; of the outermost function an alias is as good, and a file may be spelled otherwise. */
function isSameChain(mine: Chain, theirs: Chain): boolean {
  if (mine.length !== theirs.length) return false;
  return mine.every((frame, index) => {
    const other = theirs[index]!;
    if (index < mine.length - 1 && frame.name !== other.name) return false;
    if (index === mine.length - 1 && (frame.name === '') !== (other.name === '')) return false;
    // Without a line, GNU's tells the file of the symbol table.
    if (frame.line === 0 && other.line === 0) return true;
    return frame.line === other.line && basename(frame.file) === basename(other.file);
  });
}

/** For each address a chain of `function` and `file:line`, innermost first; `??` and 0 for what is unknown. */
function gnuAddr2line(path: string, addresses: Float64Array): Chain[] | undefined {
  const { stdout, error } = spawnSync('addr2line', ['-afi', '-e', path], {
    input: Array.from(addresses, (address) => `0x${address.toString(16)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined) return undefined;
  return stdout
    .split(/^0x[0-9a-f]+\n/m)
    .slice(1)
    .map((text) => {
      const lines = text.trimEnd().split('\n');
      return Array.from({ length: lines.length / 2 }, (_, index) => {
        const name = lines[2 * index]!;
        const [, file = '', line = '0'] =
          /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(lines[2 * index + 1]!) ?? [];
        return {
          name: name === '??' ? '' : name,
          file: file === '??' ? '' : file,
          line: line === '?' ? 0 : Number(line),
        };
      });
    });
}

test('all in all, 99.99 % of the chains are equal', (t) => {
  t.diagnostic(`${chains.equal} of ${chains.all}`);
  assert.ok(chains.all === 0 || chains.equal / chains.all >= 0.9999);
});

async function answer(path: string): Promise<{ addresses: Float64Array; answers: AddressAnswer[]; ms: number }> {
  const opened = openRegularFile(path, 2 ** 40)!;
  const { elf } = identify(opened.source)!;
  const addresses = randomAddresses(codeRanges(elf), addressCount);
  const inflated = new InflatedFiles(folder, 2 ** 32);
  try {
    const began = performance.now();
    const object = new ObjectFile({ elf, debug: undefined, alternate: undefined }, inflated.inflate);
    const answers: AddressAnswer[] = [];
    for (let at = 0; at < addresses.length; at += 1000) {
      answers.push(...(await object.answer(addresses.subarray(at, at + 1000), 'inlines')));
    }
    return { addresses, answers, ms: performance.now() - began };
  } finally {
    inflated.close();
    opened.close();
  }
}

function llvmSymbolizer(path: string, addresses: Float64Array): Frame[][] | undefined {
  const { stdout, error } = spawnSync('llvm-symbolizer', ['--no-demangle', '--output-style=JSON', '-e', path], {
    input: Array.from(addresses, (address) => `0x${address.toString(16)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined) return undefined;
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { Symbol: frames = [] } = JSON.parse(line) as { Symbol?: Record<string, never>[] };
      return frames.map(({ FunctionName, FileName, Line, Column }) => {
        return { name: FunctionName!, file: FileName!, line: Line!, column: Column! };
      });
    });
}

/**
 * `undefined` when both say the same: depth, names of inlined functions, and file, line and column of each. Of the outermost function an
 * alias is as good; and only llvm-symbolizer tells the file of a function from its symbol where there is no line.
 */
function compare({ frames, tableName, source }: AddressAnswer, theirs: readonly Frame[]): string | undefined {
  const own = frames.length === 0 ? [{ linkageName: tableName, name: '', filePath: '', line: 0, column: 0 }] : frames;
  const text = `${JSON.stringify(own.map((f) => [f.linkageName || f.name, f.filePath, f.line, f.column]))} and ${JSON.stringify(theirs)}`;
  if (own.length !== theirs.length) return `depth: ${text}`;
  const isSame = own.every((frame, index) => {
    const other = theirs[index]!;
    if (index < own.length - 1 && (frame.linkageName || frame.name) !== other.name) return false;
    if (frames.length === 0 && other.line === 0) return true;
    return frame.filePath === other.file && frame.line === other.line && frame.column === other.column;
  });
  if (!isSame) return text;
  // Stubs are named here alone; it gives them the name of the function before.
  const isNamed = theirs.at(-1)!.name !== '' || source === 'plt';
  return isNamed || tableName === '' ? undefined : `name: ${text}`;
}
