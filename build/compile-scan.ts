import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from 'assemblyscript/asc';
import { project } from './bundles.ts';

// `npm run build:scan`: compiles the scan of requests that pass (AssemblyScript in src/otlp/passable/wasm) into a module of the source, so
// that the program runs without a build, and its built forms need no file beside them.

const entry = 'src/otlp/passable/wasm/scan.ts';
const target: string = join(project, 'src/otlp/passable/compiled-scan.ts');

/** The module that holds the compiled scan, as text. @throws Error when the scan does not compile */
export async function compileScan(): Promise<string> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await main(
    [
      entry,
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65535',
      '--outFile',
      'scan.wasm',
    ],
    {
      readFile: (name, folder) => readText(join(folder, name)),
      writeFile: (_name, contents) => {
        bytes = contents as Uint8Array;
      },
      listFiles: () => null,
    },
  );
  if (error !== null || bytes === undefined) throw new Error(`Cannot compile ${entry}:\n${stderr}`);
  const text = Buffer.from(bytes).toString('base64');
  return `// Written by \`npm run build:scan\`: ${entry}, compiled.\nexport const compiledScan =\n  '${text}';\n`;
}

function readText(path: string): string | null {
  try {
    return readFileSync(join(project, path), 'utf8');
  } catch {
    return null;
  }
}

if (import.meta.main) writeFileSync(target, await compileScan());
