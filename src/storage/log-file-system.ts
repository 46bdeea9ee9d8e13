import * as fs from 'node:fs';

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
  | 'unlinkSync'
  | 'writeSync'
  | 'writevSync'
>;

export const systemFileSystem: LogFileSystem = fs;
