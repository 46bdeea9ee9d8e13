import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';

// What is said to be in the built forms. Run `npm run build` and `npm run build:executable` first.
const project = join(import.meta.dirname, '../..');

interface Bill {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly type: string;
    readonly purl: string;
    readonly licenses?: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
    readonly hashes?: readonly unknown[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

function readBill(file: string): Bill {
  return JSON.parse(readFileSync(join(project, 'dist', file), 'utf8')) as Bill;
}

function libraries(file: string): string[] {
  const { components } = readBill(file);
  return components
    .filter(({ type }) => type === 'library')
    .map(({ name, version, licenses }) => {
      const [license] = licenses!;
      return `${name}@${version} ${license!.license?.id ?? license!.expression}`;
    })
    .sort();
}

/** Packages that an unminified bundle names in its comments, one before each file. */
async function packagesInBundles(): Promise<string[]> {
  const late = ['bcryptjs', 'undici', '@opentelemetry/exporter-metrics-otlp-proto'];
  const clouds = ['@opentelemetry/resource-detector-aws', '@opentelemetry/resource-detector-azure'];
  const packages = [...late, ...clouds].map((name) => `require('${name}');`).join('\n');
  const threads = ['receivers/otlp/decoding-thread', 'exporters/export-thread', 'native/worker/worker-main'];
  const imports = ['cli/run', 'otlp/profiles-serializer', ...threads].map(
    (path, index) => `export * as m${index} from './src/${path}.ts';`,
  );
  // Of fastify, for schemas and for tests.
  const leftOut = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'];
  const { outputFiles } = await build({
    external: leftOut,
    stdin: { contents: [...imports, packages].join('\n'), resolveDir: project },
    ...{ bundle: true, write: false, platform: 'node', format: 'cjs', logLevel: 'silent', absWorkingDir: project },
  });
  const comments = outputFiles[0]!.text.matchAll(
    /^ *\/\/ ((?:[^\n]*\/)?node_modules\/(?:@[^/\n]+\/)?[^/\n]+)\/[^\n]*$/gm,
  );
  const folders = new Set([...comments].map(([, folder]) => folder!));
  // Read as a file, and so in no bundle.
  folders.add('node_modules/gecko-profiler-demangle');
  const described = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(project, folder, 'package.json'), 'utf8'));
    return `${name}@${version} ${license}`;
  });
  return [...new Set(described)].sort();
}

test('the bills of materials name the packages in the bundles, with version and license, and nothing else', async () => {
  const expected = await packagesInBundles();
  assert.ok(expected.length > 40 && expected.some((name) => name.startsWith('fastify@')));
  assert.deepEqual(libraries('sbom.cdx.json'), expected);
  assert.deepEqual(libraries('framekeeper.cdx.json'), expected);
});

test('that of the executable names its Node.js, as scanners look for it', () => {
  const node = readBill('framekeeper.cdx.json').components.find(({ name }) => name === 'node')!;
  assert.equal(node.version, process.versions.node);
  assert.ok(JSON.stringify(node).includes(`pkg:generic/openssl@${encodeURIComponent(process.versions.openssl!)}`));
  assert.equal(
    readBill('sbom.cdx.json').components.some(({ name }) => name === 'node'),
    false,
  );
});

test('every package has a hash, and depends on packages that are named', () => {
  const { components, dependencies } = readBill('sbom.cdx.json');
  assert.deepEqual(
    components.filter(({ hashes }) => hashes === undefined).map(({ purl }) => purl),
    [],
  );
  const refs = new Set(dependencies.map(({ ref }) => ref));
  assert.deepEqual(
    dependencies.flatMap(({ dependsOn }) => dependsOn.filter((ref) => !refs.has(ref))),
    [],
  );
});

test('the licenses of all packages go with them', () => {
  const notices = readFileSync(join(project, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
  for (const { name, version } of readBill('sbom.cdx.json').components)
    assert.ok(notices.includes(`\n${name} ${version} (`), name);
  const withNode = readFileSync(join(project, 'dist/framekeeper.licenses.txt'), 'utf8');
  assert.match(withNode, /Node\.js is licensed for use as follows/);
});
