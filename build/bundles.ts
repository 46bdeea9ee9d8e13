import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BuildOptions, Plugin, TransformOptions } from 'esbuild';
import { build, transform } from 'esbuild';
import { withModuleConstants } from './module-constants.ts';

// Bundles of the two built forms of the program (src/support/program-files.ts). Each function resolves to the paths, from the top of
// the checkout, of all files that are in its bundles.

/** The checkout. */
export const project: string = join(import.meta.dirname, '..');
/** What the build makes. */
export const dist: string = join(project, 'dist');

const common = {
  absWorkingDir: project,
  bundle: true,
  platform: 'node',
  target: 'node22',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** What bundles are after they are made. */
const minified = {
  platform: common.platform,
  target: common.target,
  // Names stay as they are, for stack traces and profiles.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  // A variable that was taken for a constant.
  logOverride: { 'assign-to-constant': 'error' },
} as const satisfies TransformOptions;

// Packages in CommonJS ask for these.
const banner = `const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/**
 * Bundles the package's program into `folder`: a thousand files in a few. Of 1 s of CPU until the service listens, and of 90 MiB that it
 * holds while idle, the reading of so many files was half and a sixth. Each command has files of its own beside the common ones.
 */
export function bundleProgram(folder: string): Promise<string[]> {
  return bundle({
    entryPoints: ['src/cli/run.ts', ...threads()].map((path) => ({ in: path, out: basename(path, '.ts') })),
    outdir: folder,
    splitting: true,
    format: 'esm',
    banner: { js: banner },
    plugins: [withoutHttp2, lazyBuiltins, withoutCompilers],
  });
}

/**
 * Modules of Node.js as CommonJS has them. `import` reads all exports of such a module at once, and with them it loads what Node.js itself would load at
 * its first use: the HTTP client of `fetch`, and all of Web Crypto.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'lazy-builtin', sideEffects: false } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

/**
 * Leaves out what fastify loads for routes with schemas, of which there are none, and for tests: 0.4 MB of source that would stay in memory. A call
 * fails as `withoutSchemas` has it.
 */
const withoutCompilers: Plugin = {
  name: 'without-compilers',
  setup({ onResolve, onLoad }) {
    const filter = /^(?:@fastify\/(?:ajv|fast-json-stringify)-compiler|light-my-request)$/;
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: `throw new Error('${path} is not in the bundle');`,
    }));
  },
};

/** Node.js's HTTP/2, which fastify loads at once for servers that nobody asks it for: half a MiB. What the service speaks of HTTP/2 is its own. */
const withoutHttp2: Plugin = {
  name: 'without-http2',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http2$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: '' }));
  },
};

/**
 * Parts of commands, imported at once instead of when they are asked for. The bundler puts what it has to evaluate late, and all that this imports, into
 * functions that set variables: no constant would be left (`withModuleConstants`). The service starts sooner as well; `--version` takes 60 ms more.
 */
const eagerCommands: Plugin = {
  name: 'eager-commands',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/cli\/[\w-]+\.ts$/ }, ({ path }) => {
      const imports: string[] = [];
      const source = readFileSync(path, 'utf8').replace(/\bimport\(('\.[^']+')\)/g, (_, part: string) => {
        const name = `commandPart${imports.length}`;
        imports.push(`import * as ${name} from ${part};`);
        return name;
      });
      return { contents: [...imports, source].join('\n'), loader: 'ts' };
    });
  },
};

/** Bundles the executable's main script and its threads into `folder`, each into one file of CommonJS. */
export function bundleExecutable(folder: string): Promise<string[]> {
  const main = `import { runProcess } from './src/cli/run.ts'; void runProcess();`;
  const form = {
    format: 'cjs',
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': '""' },
    // The code cache knows no import().
    supported: { 'dynamic-import': false },
    plugins: [withoutHttp2, eagerCommands, withoutCompilers],
  } satisfies BuildOptions;
  const stdin = { contents: main, resolveDir: project, sourcefile: 'main.ts' };
  return bundleAll([
    { ...form, stdin, entryNames: 'main' },
    ...threads().map((path) => ({ ...form, entryPoints: [{ in: path, out: basename(path, '.ts') }] })),
  ]);
}

/** Bundles each package that is loaded at its first use into a file of its own in `folder`. */
export function bundlePackages(folder: string): Promise<string[]> {
  return bundleAll(
    callsInSource('loadPackage').map((name) => ({
      stdin: { contents: `module.exports = require('${name}');`, resolveDir: project },
      outfile: join(folder, `${basename(name)}.cjs`),
      format: 'cjs',
    })),
  );
}

/** Files of packages that are read as they are, e.g. `PACKAGE/FILE.wasm`. */
export function packageFiles(): string[] {
  return callsInSource('readPackageFile');
}

/** The encoder for exporters of OpenTelemetry JS: a file that loads nothing of the service. */
export function bundleSerializer(file: string): Promise<string[]> {
  return bundle({ entryPoints: ['src/otlp/profiles-serializer.ts'], outfile: file, format: 'esm' });
}

/** Modules of threads, from the top of the checkout. */
export function threads(): string[] {
  return callsInSource('threadModule').map((path) => `src/${path}.ts`);
}

/**
 * The first argument of all calls in the sources, so that no list can be out of date.
 * @throws Error when it is no literal, or there is no call
 */
function callsInSource(name: string): string[] {
  sources ??= readSources();
  const calls = [...sources.matchAll(new RegExp(`(?<!function )\\b${name}(?:<.*?>)?\\(\\s*('([^']+)')?`, 'g'))];
  if (calls.length === 0) throw new Error(`Cannot find a call of ${name} in src: the build no longer fits it.`);
  const found = calls.map(([call, , argument]) => {
    if (argument === undefined) throw new Error(`Cannot read the argument of ${call}…): write it as a literal.`);
    return argument;
  });
  return [...new Set(found)].sort();
}

let sources: string | undefined;

function readSources(): string {
  const files = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' });
  const modules = files.filter((file) => file.endsWith('.ts'));
  return modules.map((file) => readFileSync(join(project, 'src', file), 'utf8')).join('\n');
}

async function bundleAll(all: readonly BuildOptions[]): Promise<string[]> {
  return (await Promise.all(all.map(bundle))).flat();
}

async function bundle(options: BuildOptions): Promise<string[]> {
  const { metafile, outputFiles } = await build({ ...common, ...options, write: false });
  for (const { path, text } of outputFiles) {
    const { code } = await transform(withModuleConstants(text, project), minified);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
  // An input of which nothing is left is not in the bundle.
  return Object.values(metafile!.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}
