import { fnv128a } from '../../model/file-id.ts';
import type { FrameName } from './collected.ts';
import { pythonPositionAt } from './python-line-table.ts';
import type { RawCode } from './raw-records.ts';

/** A code object of CPython: the file of an interpreted frame. */
export class PythonCode {
  /** The same in every process that loads the same source. */
  readonly fileId: string;
  readonly #code: RawCode;
  readonly #lineTable: Uint8Array;

  constructor(code: RawCode) {
    this.#code = code;
    this.#lineTable = Buffer.from(code.linetable, 'hex');
    const firstLine = Buffer.alloc(4);
    firstLine.writeUInt32BE(code.firstlineno);
    this.fileId = fnv128a(code.file, code.qualname, firstLine, this.#lineTable);
  }

  nameAt(byteOffset: number): FrameName {
    const { qualname, file, firstlineno } = this.#code;
    const { line, column } = pythonPositionAt(this.#lineTable, firstlineno, byteOffset);
    return {
      kind: 'symbol',
      symbol: {
        functionName: qualname,
        systemName: '',
        filePath: file,
        line,
        column,
        startLine: firstlineno,
        inlined: [],
      },
    };
  }
}
