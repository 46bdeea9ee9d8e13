import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchRow, BenchSuite } from './bench.ts';

// Usage: node test/bench/run.ts [SUITE…] [--rounds N] [--json]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '15' } },
});
const files = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort();
const names = files.map((file) => file.replace(/\.bench\.ts$/, ''));
const unknown = positionals.filter((name) => !names.includes(name));
const rounds = Number(values.rounds);
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Usage: bench [${names.join('|')}]… [--rounds N] [--json]`);
  process.exit(2);
}

const results: Record<string, BenchRow[]> = {};
for (const name of names) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { suite } = (await import(join(import.meta.dirname, `${name}.bench.ts`))) as { suite: BenchSuite };
  const rows = await suite.run({ rounds });
  results[suite.name] = rows;
  if (!values.json) print(suite.name, rows);
}
if (values.json) console.log(JSON.stringify({ node: process.version, rounds, results }, null, 2));

function print(name: string, rows: readonly BenchRow[]): void {
  console.log(`\n${name} (${process.version}, median of ${rounds} rounds)`);
  const width = Math.max(...rows.map(({ what }) => what.length));
  for (const { what, unit, median, spread, ratioTo } of rows) {
    const ratio = ratioTo === undefined ? '' : `  ${ratioTo.ratio.toFixed(2)} × ${ratioTo.what}`;
    const value = `${format(median).padStart(10)} ± ${format(spread / 2).padEnd(8)} ${unit}`;
    console.log(`  ${what.padEnd(width)}  ${value}${ratio}`);
  }
}

function format(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}
