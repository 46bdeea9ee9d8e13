import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeContents } from './bill-of-materials.ts';
import { bundlePackages, bundleProgram, bundleSerializer, dist, packageFiles, project } from './bundles.ts';

// `npm run build`: what the npm package holds. The executable beside it is no part of that.
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) {
  if (!name.startsWith('framekeeper')) rmSync(join(dist, name), { recursive: true });
}
const bundled = await Promise.all([
  bundleProgram(join(dist, 'program')),
  bundlePackages(join(dist, 'packages')),
  bundleSerializer(join(dist, 'otlp/profiles-serializer.js')),
]);
for (const name of packageFiles()) {
  cpSync(join(project, 'node_modules', name), join(dist, 'packages', basename(name)));
}
writeContents(bundled.flat(), {
  bill: join(dist, 'sbom.cdx.json'),
  notices: join(dist, 'THIRD-PARTY-NOTICES.txt'),
  withNode: false,
});

const assets = 'http/live-page/assets';
mkdirSync(join(dist, dirname(assets)), { recursive: true });
cpSync(join(project, 'src', assets), join(dist, assets), { recursive: true });
execFileSync(join(project, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.otlp-profiles.json'], {
  cwd: project,
  stdio: 'inherit',
});

const main = readFileSync(join(project, 'src/main.cjs'), 'utf8');
if (!main.includes("'./cli/run.ts'")) throw new Error('src/main.cjs does not import ./cli/run.ts.');
writeFileSync(join(dist, 'main.js'), main.replace("'./cli/run.ts'", "'./program/run.js'"), { mode: 0o755 });
