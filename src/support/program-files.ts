import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as sea from 'node:sea';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';

// The program has three forms, and only this file knows them:
//
//              program's folder   code                      files, packages and threads
//   sources    src/               src/**/*.ts               where they are in the checkout
//   package    dist/              dist/program/*.js         below and beside dist/, as in the sources
//   executable none               its main script           its assets, named by the same paths
//
// A path is relative to the program's folder. This file, or the bundle that it is part of, lies one folder below that.

const isExecutable = sea.isSea();

/**
 * Reads a file that comes with the program, such as `../proto/descriptors.binpb`.
 * @throws Error when there is none of that name
 */
export function readProgramFile(path: string): Buffer {
  return isExecutable ? Buffer.from(sea.getAsset(path)) : readFileSync(urlOf(path));
}

/** Names of the files of a folder that comes with the program; `path` ends in a slash. */
export function listProgramFiles(path: string): string[] {
  return isExecutable ? assetsBelow(path) : readdirSync(urlOf(path));
}

let unpacked: string | undefined;
const unpackedPaths = new Set<string>();

/**
 * Path of a folder that comes with the program, for readers that take paths of users as well; `path` ends in a slash. The executable
 * unpacks the folder into a temporary one, which is removed when the process ends.
 * @throws Error when there is no place for it
 */
export function programFolder(path: string): string {
  if (!isExecutable) return pathOf(path);
  if (unpacked === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    unpacked = folder;
  }
  const folder = join(unpacked, basename(path));
  if (unpackedPaths.has(path)) return folder;
  for (const name of assetsBelow(path)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), readProgramFile(`${path}${name}`));
  }
  unpackedPaths.add(path);
  return folder;
}

/** Module of a thread; `threadModule` alone makes them. */
export type ThreadModule = string & { readonly isThreadModule: true };

/** Names the module of a thread; `path` has no extension, e.g. `exporters/export-thread`. The build bundles what calls of this name. */
export function threadModule(path: string): ThreadModule {
  return path as ThreadModule;
}

export function startThread(module: ThreadModule, options: WorkerOptions): Worker {
  const name = basename(module);
  if (isExecutable) return new Worker(readProgramFile(`program/${name}.cjs`).toString(), { ...options, eval: true });
  return new Worker(urlOf(isBundled() ? `program/${name}.js` : `${module}.ts`), options);
}

/**
 * Loads a package at its first use, and not with the program: a service that never uses it must not hold its code, which is
 * megabytes for some. `Module` is the type of the package, `typeof import('…')`. The build bundles each of them.
 */
export function loadPackage<Module>(name: string): Module {
  let loaded = packages.get(name);
  if (loaded === undefined) {
    const file = `packages/${basename(name)}.cjs`;
    loaded = isExecutable ? evaluate(readProgramFile(file).toString()) : requireHere(isBundled() ? pathOf(file) : name);
    packages.set(name, loaded);
  }
  return loaded as Module;
}

const packages = new Map<string, unknown>();

/** Reads a file of a package, e.g. `PACKAGE/FILE.wasm`. */
export function readPackageFile(name: string): Buffer {
  if (isExecutable || isBundled()) return readProgramFile(`packages/${basename(name)}`);
  return readFileSync(createRequire(import.meta.url).resolve(name));
}

function requireHere(name: string): unknown {
  return createRequire(import.meta.url)(name);
}

/** Runs CommonJS that requires modules of Node.js alone. */
function evaluate(code: string): unknown {
  const module: { exports: unknown } = { exports: {} };
  const run = new Function('module', 'exports', 'require', code);
  run(module, module.exports, createRequire(process.execPath));
  return module.exports;
}

/** Called outside of the executable alone: there is no URL in it. */
function isBundled(): boolean {
  return import.meta.url.endsWith('.js');
}

function urlOf(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

function pathOf(path: string): string {
  return fileURLToPath(urlOf(path));
}

function assetsBelow(path: string): string[] {
  return sea
    .getAssetKeys()
    .filter((name) => name.startsWith(path))
    .map((name) => name.slice(path.length));
}
