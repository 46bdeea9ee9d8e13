import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from 'assemblyscript/asc';
import binaryen from 'binaryen';
import { project } from './bundles.ts';

// `npm run build:scan`: compiles the scan of requests that pass (AssemblyScript in src/otlp/passable/wasm) into a module of the source, so
// that the program runs without a build, and its built forms need no file beside them.

const entry = 'src/otlp/passable/wasm/scan.ts';
const target: string = join(project, 'src/otlp/passable/compiled-scan.ts');

/**
 * What binaryen inlines, in its units of size. Its own limits leave calls in the loops (a twelfth of the time), and make one function of many
 * that are called once: V8's compiler took 1 MiB more for that one.
 */
const inlined = { always: 40, flexible: 70, calledOnce: 100 } as const;

/** The module that holds the compiled scan, as text. @throws Error when the scan does not compile */
export async function compileScan(): Promise<string> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await main(
    [
      entry,
      '-O0',
      '--noAssert',
      '--runtime',
      'stub',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65535',
      '-o',
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
  const text = Buffer.from(optimize(bytes)).toString('base64');
  return `// Written by \`npm run build:scan\`: ${entry}, compiled.\nexport const compiledScan =\n  '${text}';\n`;
}

function optimize(bytes: Uint8Array): Uint8Array {
  const scan = binaryen.readBinary(bytes);
  // As in the compiler's output; all of them are in Node.js 22.
  const { BulkMemory, BulkMemoryOpt, MutableGlobals, NontrappingFPToInt, SignExt } = binaryen.Features;
  scan.setFeatures(BulkMemory | BulkMemoryOpt | MutableGlobals | NontrappingFPToInt | SignExt);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(inlined.always);
  binaryen.setFlexibleInlineMaxSize(inlined.flexible);
  binaryen.setOneCallerInlineMaxSize(inlined.calledOnce);
  scan.optimize();
  // Simplifies what the first pass has inlined: a hundredth of the scan's time.
  scan.optimize();
  return scan.emitBinary();
}

function readText(path: string): string | null {
  try {
    return readFileSync(join(project, path), 'utf8');
  } catch {
    return null;
  }
}

if (import.meta.main) writeFileSync(target, await compileScan());
