import assert from 'node:assert/strict';

export interface PrometheusSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const line =
  /^(?<name>[^{ ]+)(?:\{(?<labels>(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?<value>\S+)$/;

/**
 * Reads the text format 0.0.4 strictly: https://prometheus.io/docs/instrumenting/exposition_formats/.
 * @throws AssertionError with the line that breaks it.
 */
export function parsePrometheusText(text: string): PrometheusSample[] {
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed');
  const samples: PrometheusSample[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = '';
  for (const row of text.slice(0, -1).split('\n')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(row) ?? [];
    if (kind === 'HELP') {
      assert.match(name!, metricName, row);
      assert.ok(!types.has(name!), `a family stands once: ${row}`);
      assert.doesNotMatch(rest!.replaceAll('\\\\', '').replaceAll('\\n', ''), /\\/, row);
    } else if (kind === 'TYPE') {
      assert.ok(['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest!), row);
      types.set(name!, rest!);
      family = name!;
    } else {
      const groups = line.exec(row)?.groups;
      assert.ok(groups, `not a sample: ${JSON.stringify(row)}`);
      const base = types.get(family) === 'histogram' ? groups.name!.replace(/_(bucket|sum|count)$/, '') : groups.name!;
      assert.equal(base, family, `a sample stands below its TYPE: ${row}`);
      const key = row.slice(0, row.lastIndexOf(' '));
      assert.ok(!seen.has(key), `a sample stands once: ${row}`);
      seen.add(key);
      samples.push({
        name: groups.name!,
        labels: labelsOf(groups.labels ?? ''),
        value: parseValue(groups.value!, row),
      });
    }
  }
  return samples;
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    assert.ok(!labels.has(name!), `a label stands once: ${text}`);
    labels.set(
      name!,
      value!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    );
  }
  return labels;
}

function parseValue(text: string, row: string): number {
  if (text === 'NaN') return Number.NaN;
  const value = Number(text.replace('Inf', 'Infinity'));
  assert.ok(!Number.isNaN(value), `not a value: ${row}`);
  return value;
}
