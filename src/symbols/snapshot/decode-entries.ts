// hot
import type { Executable } from '../../model/executable.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { OwnerKey } from '../stub-owner.ts';
import { ByteReader } from './byte-reader.ts';
import type { EntryCounts } from './snapshot-format.ts';
import { maxInlinedDepth, recordTags, SnapshotFault } from './snapshot-format.ts';
import type { StoreSink } from './store-sink.ts';

/** Gives the entries of a section to `sink`; returns their counts. @throws SnapshotFault */
export function decodeEntries(payload: Buffer, sink: StoreSink): EntryCounts {
  return new SectionDecoder(payload, sink).decode();
}

/** @throws SnapshotFault */
export function decodeEnd(payload: Buffer): EntryCounts {
  const reader = new ByteReader(payload);
  const counts = {
    files: reader.varint(),
    symbols: reader.varint(),
    owners: reader.varint(),
    stubs: reader.varint(),
  };
  if (reader.left > 0) throw new SnapshotFault('damaged', `${reader.left} bytes follow the counts`);
  return counts;
}

class SectionDecoder {
  readonly #reader: ByteReader;
  readonly #sink: StoreSink;
  readonly #texts: string[] = [''];
  readonly #counts = { files: 0, symbols: 0, owners: 0, stubs: 0 };
  /** Parent of the entries that follow. */
  #parent: 'none' | 'file' | 'owner' = 'none';
  /** Of the last symbol of the file; -1 before the first. */
  #symbolAge = -1;

  constructor(payload: Buffer, sink: StoreSink) {
    this.#reader = new ByteReader(payload);
    this.#sink = sink;
  }

  decode(): EntryCounts {
    const reader = this.#reader;
    for (let left = reader.varint(); left > 0; left--) this.#texts.push(reader.text());
    while (reader.left > 0) {
      const tag = reader.byte();
      if (tag === recordTags.symbol) this.#decodeSymbol();
      else if (tag === recordTags.file) this.#decodeFile();
      else if (tag === recordTags.stub) this.#decodeStub();
      else if (tag === recordTags.owner) this.#decodeOwner();
      else throw new SnapshotFault('damaged', `an entry has the unknown tag ${tag}`);
    }
    return this.#counts;
  }

  #decodeFile(): void {
    const reader = this.#reader;
    const fileId = { word0: reader.word(), word1: reader.word(), word2: reader.word(), word3: reader.word() };
    const age = reader.varint();
    const flags = reader.byte();
    if (flags > 3) throw new SnapshotFault('damaged', `a file has the unknown flags ${flags}`);
    const isContinued = (flags & 1) !== 0;
    const executable = (flags & 2) === 0 ? undefined : this.#executable();
    this.#parent = 'file';
    this.#symbolAge = -1;
    if (!isContinued) this.#counts.files++;
    this.#sink.file({ fileId, age, executable, isContinued });
  }

  #executable(): Executable {
    const [fileName, gnuBuildId, goBuildId] = [this.#text(), this.#text(), this.#text()];
    const hasHtlHash = this.#flag();
    return { fileName, gnuBuildId, goBuildId, hasHtlHash };
  }

  #decodeSymbol(): void {
    if (this.#parent !== 'file') throw new SnapshotFault('damaged', 'a symbol belongs to no file');
    const reader = this.#reader;
    const told = reader.varint();
    const age = this.#symbolAge < 0 ? told : this.#symbolAge - told;
    if (age < 0) throw new SnapshotFault('damaged', 'a symbol was used after the snapshot began');
    this.#symbolAge = age;
    this.#counts.symbols++;
    const [high, low] = [reader.varint(), reader.varint()];
    this.#sink.symbol(high, low, age, this.#symbol(0));
  }

  #decodeOwner(): void {
    const reader = this.#reader;
    const age = reader.varint();
    const isProcess = this.#flag();
    const id = this.#text();
    if (!/^[0-9a-f]{32}$/.test(id)) throw new SnapshotFault('damaged', 'an owner of stubs has a faulty ID');
    const key: OwnerKey = isProcess
      ? { instanceId: id, pid: reader.varint(), startTimeNano: reader.uint64() }
      : { fileId: id };
    this.#parent = 'owner';
    this.#counts.owners++;
    this.#sink.owner(key, age);
  }

  #decodeStub(): void {
    if (this.#parent !== 'owner') throw new SnapshotFault('damaged', 'a stub belongs to nobody');
    const reader = this.#reader;
    const [startHigh, startLow, lastHigh, lastLow] = [
      reader.varint(),
      reader.varint(),
      reader.varint(),
      reader.varint(),
    ];
    if (lastHigh < startHigh || (lastHigh === startHigh && lastLow < startLow)) {
      throw new SnapshotFault('damaged', 'a stub ends before it starts');
    }
    this.#counts.stubs++;
    this.#sink.stub({ startHigh, startLow, lastHigh, lastLow, symbol: this.#symbol(0) });
  }

  #symbol(depth: number): FrameSymbol {
    const reader = this.#reader;
    const [functionName, systemName, filePath] = [this.#text(), this.#text(), this.#text()];
    const [line, column, startLine] = [reader.varint(), reader.varint(), reader.varint()];
    const inlinedCount = reader.varint();
    if (inlinedCount > 0 && depth === maxInlinedDepth) {
      throw new SnapshotFault('damaged', 'functions are inlined too deeply');
    }
    const inlined: FrameSymbol[] = [];
    // A count that is too large runs out of bytes before it costs memory.
    for (let i = 0; i < inlinedCount; i++) inlined.push(this.#symbol(depth + 1));
    return { functionName, systemName, filePath, line, column, startLine, inlined };
  }

  #flag(): boolean {
    const value = this.#reader.byte();
    if (value > 1) throw new SnapshotFault('damaged', `${value} stands for yes or no`);
    return value === 1;
  }

  #text(): string {
    const number = this.#reader.varint();
    const text = this.#texts[number];
    if (text === undefined) throw new SnapshotFault('damaged', `text ${number} of ${this.#texts.length} is wanted`);
    return text;
  }
}
