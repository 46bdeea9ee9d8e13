import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locatePeers } from './peers.ts';

export interface ProfcheckVerdict {
  readonly hasPassed: boolean;
  /** What profcheck printed: on failure the path to each fault. */
  readonly output: string;
}

/** Asks the profiling SIG's own checker about one ProfilesData message, with every check that it has switched on. */
export async function profcheck(message: Uint8Array): Promise<ProfcheckVerdict> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-profcheck-'));
  const file = join(folder, 'message.otlp');
  writeFileSync(file, message);
  try {
    return await new Promise((resolve) => {
      execFile(locatePeers().profcheck, ['-check-dupes', '-check-sample-shapes', file], (error, stdout, stderr) => {
        resolve({ hasPassed: error === null, output: `${stdout}${stderr}` });
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
