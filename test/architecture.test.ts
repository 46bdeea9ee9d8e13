import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { packageFiles, threads } from '../build/bundles.ts';

/** The diagram: the folders of `src` that each folder may import, beside itself. */
const allowed: Record<string, readonly string[]> = {
  support: [],
  model: [],
  config: ['support'],
  lru: [],
  otlp: ['model', 'support'],
  memory: ['config', 'model', 'support'],
  storage: ['config', 'support'],
  // Names of native and generated code; pure readers in all folders but `files` and `worker`.
  native: ['config', 'model', 'support'],
  // Attributes of resources: who a profile is about.
  identity: ['config', 'otlp', 'profile', 'support'],
  auth: ['config', 'model', 'support'],
  journal: ['model', 'storage', 'support'],
  symbols: ['config', 'lru', 'model', 'support'],
  profile: ['model', 'otlp', 'support'],
  http: ['config', 'model', 'profile', 'support'],
  // gRPC over HTTP/2; knows nothing of the services.
  grpc: ['model', 'support'],
  // The stages of a pipeline do not know each other.
  receivers: ['config', 'grpc', 'model', 'otlp', 'profile', 'support'],
  reporter: ['config', 'model', 'otlp', 'profile', 'support'],
  exporters: ['config', 'grpc', 'model', 'otlp', 'profile', 'storage', 'support'],
  // The stages meet in the pipeline; the service connects pipelines with everything else.
  pipeline: [
    'config',
    'exporters',
    'identity',
    'journal',
    'memory',
    'model',
    'native',
    'otlp',
    'profile',
    'receivers',
    'reporter',
    'storage',
    'support',
    'symbols',
  ],
  service: [
    'auth',
    'config',
    'exporters',
    'http',
    'identity',
    'memory',
    'model',
    'native',
    'otlp',
    'pipeline',
    'profile',
    'receivers',
    'reporter',
    'storage',
    'support',
    'symbols',
  ],
  cli: ['config', 'grpc', 'model', 'native', 'otlp', 'profile', 'service', 'support'],
  'main.ts': ['cli'],
};
const source = join(import.meta.dirname, '../src');
const imports = readImports();

test('folders import only what the diagram allows', () => {
  const offences: string[] = [];
  for (const [file, targets] of imports) {
    const room = roomOf(file);
    assert.ok(room in allowed, `src/${room} is not in the diagram; add it`);
    for (const target of targets) {
      const other = roomOf(target);
      if (other !== room && !allowed[room]!.includes(other))
        offences.push(`${room} must not import ${other} (src/${file})`);
    }
  }
  assert.deepEqual(offences, []);
});

test('no arrow of the diagram is without an import', () => {
  const drawn = new Set(
    [...imports].flatMap(([file, targets]) => targets.map((to) => `${roomOf(file)} → ${roomOf(to)}`)),
  );
  const unused = Object.entries(allowed).flatMap(([room, others]) =>
    others.map((other) => `${room} → ${other}`).filter((arrow) => !drawn.has(arrow)),
  );
  assert.deepEqual(unused, []);
});

test('files import each other in no ring, imports of types included', () => {
  assert.deepEqual(findRings(), []);
});

/** Stories of `src/README.md`, in its order, and the most files that each may have. */
const mostFilesOfStory = [12, 8, 9, 7];

test('each file of a story in src/README.md is reached from those before', () => {
  const stories = readFileSync(join(source, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && line.includes(' → '))
    .map((line) => [...line.matchAll(/`([^`]+\.ts)`/g)].map(([, file]) => file!));
  assert.equal(stories.length, mostFilesOfStory.length);
  for (const [index, files] of stories.entries()) {
    assert.ok(files.length <= mostFilesOfStory[index]!, `story ${index} has ${files.length} files`);
    for (const file of files) assert.ok(imports.has(file), `src/${file} is not there`);
    const gaps = files.filter(
      (file, index) => index > 0 && !files.slice(0, index).some((before) => areLinked(before, file)),
    );
    assert.deepEqual(gaps, [], `story ${index}`);
  }
});

/** True if one file imports the other, or both import the interface between them. */
function areLinked(file: string, next: string): boolean {
  const [known, others] = [imports.get(file)!, imports.get(next)!];
  const isInterface = (path: string): boolean => !path.startsWith('support/');
  return (
    known.includes(next) || others.includes(file) || known.some((path) => isInterface(path) && others.includes(path))
  );
}

test('comments begin with their subject, not with a question word', () => {
  const words = 'What|Who|Whom|Whose|Which|Whether|Where|Why|How|That which|Those|One that';
  const questioning = new RegExp(`(?:/\\*\\*?|//|^ +\\*) +(?:${words})\\b`);
  const offences = globSync('**/*.{ts,js,css}', { cwd: source }).flatMap((file) =>
    readFileSync(join(source, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (questioning.test(line) ? [`src/${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(offences.sort(), []);
});

test('comments name their subject, and do not begin with a pronoun', () => {
  const words = 'It|Its|This|That|They|Their|These|Others|So|He|She|And|But|Then|Also|Both|There|One a|One for each';
  const pronoun = new RegExp(`^ *(?:/\\*\\*?|//) +(?:${words})\\b`);
  const isLineComment = /^ *\/\//;
  const offences = globSync('**/*.{ts,js,css}', { cwd: source }).flatMap((file) => {
    const lines = readFileSync(join(source, file), 'utf8').split('\n');
    // The second line of a comment goes on with a sentence.
    const begins = (line: string, index: number): boolean =>
      pronoun.test(line) && !(isLineComment.test(line) && isLineComment.test(lines[index - 1] ?? ''));
    return lines.flatMap((line, index) => (begins(line, index) ? [`src/${file}:${index + 1}: ${line.trim()}`] : []));
  });
  assert.deepEqual(offences.sort(), []);
});

test('the build finds the modules of all threads, and files of packages', () => {
  const project = join(source, '..');
  const ofThreads = globSync('src/**/*.ts', { cwd: project }).filter((path) =>
    readFileSync(join(project, path), 'utf8').includes('import { parentPort'),
  );
  assert.deepEqual(threads(), ofThreads.sort());
  assert.notDeepEqual(packageFiles(), []);
});

/** The files of `src` and the files that each imports, as paths relative to `src`. */
function readImports(): ReadonlyMap<string, readonly string[]> {
  return new Map(
    globSync('**/*.ts', { cwd: source }).map((file) => {
      const text = readFileSync(join(source, file), 'utf8');
      const paths = [...text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, path]) => path!);
      return [file, paths.map((path) => relative(source, join(source, dirname(file), path)))];
    }),
  );
}

/** The diagram's name of the place of a file: its first folder, or itself at the root of `src`. */
function roomOf(file: string): string {
  return file.split('/')[0]!;
}

/** Strongly connected groups of more than one file, by Tarjan's algorithm. */
function findRings(): string[][] {
  const rings: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  function visit(file: string): void {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    path.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      if (path.includes(target)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(target)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const ring = path.splice(path.indexOf(file));
    if (ring.length > 1) rings.push(ring.sort());
  }
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return rings;
}
