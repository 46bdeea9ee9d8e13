import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { testProgram } from './program-contract.ts';

// The single executable, alone in a folder outside of the checkout. Run `npm run build:executable` first.
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-executable-'));
  copyFileSync(join(import.meta.dirname, '../../dist/framekeeper'), join(folder, 'framekeeper'));
});
after(() => rmSync(folder, { recursive: true }));

testProgram({ name: 'the executable', command: () => [join(folder, 'framekeeper')] });
