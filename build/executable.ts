import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeContents } from './bill-of-materials.ts';
import { bundleExecutable, bundlePackages, dist, packageFiles, project } from './bundles.ts';

// `npm run build:executable`: the program and Node.js in one file, dist/framekeeper; beside it what is in it (framekeeper.cdx.json)
// and the licenses of that (framekeeper.licenses.txt).
//
//   --node FILE     Node.js to build upon, of the same version as this one; of another architecture with --portable
//   --strip COMMAND strips the symbols of Node.js itself (default: strip; "" = none)
//   --portable      no code cache, which only the Node.js that made it can read
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    strip: { type: 'string', default: 'strip' },
    portable: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-build-'));
try {
  await build(folder, join(dist, 'framekeeper'));
} finally {
  rmSync(folder, { recursive: true });
}

async function build(folder: string, executable: string): Promise<void> {
  const bundled = await Promise.all([
    bundleExecutable(join(folder, 'program')),
    bundlePackages(join(folder, 'packages')),
  ]);
  const blob = join(folder, 'framekeeper.blob');
  const config = {
    main: join(folder, 'program/main.cjs'),
    output: blob,
    disableExperimentalSEAWarning: true,
    useCodeCache: !values.portable,
    // SIGUSR1 would open the debugger of Node.js to whoever may send it. Young objects in 8 MiB instead of 16 take 70 MB less at full speed.
    execArgv: ['--disable-sigusr1', '--max-semi-space-size=8'],
    execArgvExtension: 'env',
    assets: assets(folder),
  };
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
  execFileSync(process.execPath, ['--experimental-sea-config', join(folder, 'sea.json')], { stdio: 'pipe' });
  mkdirSync(dist, { recursive: true });
  writeContents(bundled.flat(), {
    bill: `${executable}.cdx.json`,
    notices: `${executable}.licenses.txt`,
    withNode: true,
  });
  rmSync(executable, { force: true });
  copyFileSync(values.node, executable);
  // Before the injection: what is injected would not survive it.
  if (values.strip !== '') strip(values.strip, executable);
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
  // Its warnings are about notes of Node.js that have no name.
  execFileSync(join(project, 'node_modules/.bin/postject'), [executable, 'NODE_SEA_BLOB', blob, ...fuse], {
    stdio: 'pipe',
  });
}

/** 18 of 127 MB. */
function strip(command: string, executable: string): void {
  const { error, status } = spawnSync(command, [executable], { stdio: 'inherit' });
  if (error === undefined && status === 0) return;
  throw new Error(
    `Cannot strip the executable: install binutils, or leave the symbols in with --strip "" (${command}).`,
  );
}

/** Files by the paths under which `src/support/program-files.ts` reads them. */
function assets(folder: string): Record<string, string> {
  const below = (path: string, from: string): string[][] =>
    readdirSync(from).map((name) => [`${path}/${name}`, join(from, name)]);
  const { files } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { files: string[] };
  const besideDist = globSync(
    files.filter((pattern) => !/^!|^dist/.test(pattern)),
    { cwd: project },
  );
  return Object.fromEntries([
    ...['package.json', ...besideDist].map((path) => [`../${path}`, join(project, path)]),
    ...packageFiles().map((name) => [`packages/${basename(name)}`, join(project, 'node_modules', name)]),
    ...below('http/live-page/assets', join(project, 'src/http/live-page/assets')),
    ...below('packages', join(folder, 'packages')),
    ...below('program', join(folder, 'program')).filter(([path]) => path !== 'program/main.cjs'),
  ]);
}
