import type { FileId } from '../../model/file-id.ts';
import type { SubmittedExecutable } from '../../model/frame-batch.ts';
import type { Process } from '../../model/process.ts';
import type { Spans } from './batch-spans.ts';
import type { NameContext } from './entry-reader.ts';
import { EntryReader } from './entry-reader.ts';
import { badVarint, endOfVarint, longVarint, outOfRange } from './wire.ts';

export function readExecutables(context: NameContext, { bounds, count }: Spans): SubmittedExecutable[] {
  const executables: SubmittedExecutable[] = [];
  const entry = new EntryReader(context, 'executables');
  for (let i = 0; i < count; i++) {
    const executable = readExecutable(entry.open(i, bounds));
    if (executable !== undefined && entry.isWhole) executables.push(executable);
  }
  return executables;
}

function readExecutable(entry: EntryReader): SubmittedExecutable | undefined {
  const { reader } = entry;
  let fileId: FileId | undefined;
  let fileName = '';
  let gnuBuildId = '';
  let goBuildId = '';
  let hasHtlHash = false;
  while (reader.next()) {
    if (reader.field === 1) fileId = entry.fileId('file_id');
    else if (reader.field === 2) fileName = entry.text('file_name');
    else if (reader.field === 3) gnuBuildId = entry.text('gnu_build_id');
    else if (reader.field === 4) goBuildId = entry.text('go_build_id');
    else if (reader.field === 5) hasHtlHash = reader.integer('file_id_is_htlhash') !== 0;
    else reader.skip();
  }
  if (!/^([0-9a-f]{2})*$/i.test(gnuBuildId)) {
    entry.reject('gnu_build_id', 'is not hexadecimal; send two digits a byte');
  }
  if (fileId === undefined) {
    entry.reject('file_id', 'is not set; say which file it is');
    return undefined;
  }
  return { fileId, executable: { fileName, gnuBuildId: gnuBuildId.toLowerCase(), goBuildId, hasHtlHash } };
}

/** Reads `process_exits`, packed or one by one: every span is a run of varints. */
export function readProcessExits(context: NameContext, { bounds, count }: Spans): Process[] {
  const { bytes, processes, rejections } = context;
  const exits: Process[] = [];
  let index = 0;
  for (let i = 0; i < count; i++) {
    const end = bounds[2 * i + 1]!;
    for (let p = bounds[2 * i]!; p < end; index++) {
      const value = longVarint(bytes, p, end);
      if (!(value <= 0xffffffff)) throw badVarint(`batch.process_exits[${index}]`, value);
      p = endOfVarint(bytes, p);
      const process = processes[value];
      if (process !== undefined) exits.push(process);
      else {
        rejections.addEntry('process_exits', index, '', () => {
          const { problem, remedy } = outOfRange(value, 1, processes.length - 1);
          return `${problem}; ${remedy}`;
        });
      }
    }
  }
  return exits;
}
