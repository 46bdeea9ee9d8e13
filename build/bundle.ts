import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';

// The last step of `npm run build`: a thousand files in a few. Of 1 s of CPU until the service listens, and of 90 MiB that it
// holds while idle, the reading of so many files was half and a sixth. Each command has files of its own beside the common ones.
const dist = join(import.meta.dirname, '../dist');
const folder = join(dist, 'bundle');

/** Keeps `import.meta` of a compiled file what it was: assets, threads and packages are found from there. */
const originalPlaces: Plugin = {
  name: 'original-places',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(`${dist}/`)) return undefined;
      const place = (file: string): string => JSON.stringify(relative(folder, file));
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', `(import.meta.dirname + '/' + ${place(dirname(path))})`)
        .replaceAll('import.meta.url', `new URL(${place(path)}, import.meta.url).href`);
      return { contents, loader: 'js' };
    });
  },
};

// Packages in CommonJS ask for these.
const banner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

rmSync(folder, { recursive: true, force: true });
await build({
  entryPoints: [join(dist, 'cli/run.js')],
  outdir: folder,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // Names stay as they are, for stack traces and profiles.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: banner },
  plugins: [originalPlaces],
  logLevel: 'warning',
});

const main = join(dist, 'main.js');
const text = readFileSync(main, 'utf8');
if (!text.includes("'./cli/run.js'")) throw new Error(`${main}: does not import ./cli/run.js.`);
writeFileSync(main, text.replace("'./cli/run.js'", "'./bundle/run.js'"));
