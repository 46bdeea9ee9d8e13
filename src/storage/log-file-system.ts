import * as fs from 'node:fs';
import { codeOf } from '../support/error-text.ts';

/** The part of `node:fs` that a segment log uses, to be replaced by one that fails. */
export type LogFileSystem = Pick<
  typeof fs,
  | 'closeSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'read'
  | 'readSync'
  | 'readdirSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'writeSync'
  | 'writevSync'
>;

export const systemFileSystem: LogFileSystem = fs;

/** Writes all buffers, one after the other from `offset` on. @throws ErrnoException */
export function writeAll(fs: LogFileSystem, fd: number, buffers: readonly Uint8Array[], offset: number): void {
  let rest = [...buffers];
  for (let position = offset; rest.length > 0; ) {
    let written = fs.writevSync(fd, rest, position);
    position += written;
    while (rest[0] !== undefined && written >= rest[0].length) {
      written -= rest[0].length;
      rest = rest.slice(1);
    }
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(written);
  }
}

/** Deletes a file; `false` if it is still there. */
export function deleteFile(fs: LogFileSystem, path: string): boolean {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
  return true;
}
