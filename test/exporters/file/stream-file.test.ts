import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { fileTable } from '../../../src/exporters/file/file-config.ts';
import { StreamFile } from '../../../src/exporters/file/stream-file.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';

/** The disk under a file: how many bytes still fit, and whether files can be cut. */
interface Disk {
  freeBytes: number;
  canTruncate: boolean;
}

/** `open` for files on a disk that fills up: it takes what fits of a write, and then fails. */
function openOn(disk: Disk): typeof open {
  const fail = (code: string): never => {
    throw Object.assign(new Error(`${code}: simulated`), { code });
  };
  return async (...parameters) => {
    const handle = await open(...parameters);
    const write = handle.write.bind(handle) as (bytes: Uint8Array, offset: number, length: number) => Promise<unknown>;
    const truncate = handle.truncate.bind(handle);
    return Object.assign(handle, {
      write: (bytes: Uint8Array, offset: number) => {
        if (disk.freeBytes === 0) fail('ENOSPC');
        const length = Math.min(disk.freeBytes, bytes.length - offset);
        disk.freeBytes -= length;
        return write(bytes, offset, length);
      },
      truncate: (size: number) => (disk.canTruncate ? truncate(size) : fail('EIO')),
    }) as unknown as FileHandle;
  };
}

for (const canTruncate of [true, false]) {
  test(`StreamFile holds whole messages after a full disk that can${canTruncate ? '' : 'not'} be cut at once`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'framekeeper-stream-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'a');
    const disk: Disk = { freeBytes: 10, canTruncate };
    const file = new StreamFile(fileTable.read(new ConfigSection('', { path }, [])), {
      logger: recordLogs().logger,
      clock: new FakeClock(),
      openFile: openOn(disk),
    });
    await file.open();
    await file.write(Buffer.from('first\n'));
    await assert.rejects(file.write(Buffer.from('second\n')), { code: 'ENOSPC' });
    assert.equal(await readFile(path, 'utf8'), canTruncate ? 'first\n' : 'first\nseco');
    Object.assign(disk, { freeBytes: 1000, canTruncate: true });
    await file.write(Buffer.from('third\n'));
    await file.close();
    assert.equal(await readFile(path, 'utf8'), 'first\nthird\n');
  });
}
