// hot
import type { Executable } from '../../model/executable.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { OwnerKey } from '../stub-owner.ts';
import { symbolBytes } from '../symbol-pool.ts';
import { ByteWriter } from './byte-writer.ts';
import type { EntryCounts, SectionKind } from './snapshot-format.ts';
import { encodeSectionHeader, maxInlinedDepth, maxSectionBytes, recordTags, sectionKinds } from './snapshot-format.ts';
import type { FileRecord, StoreSink, StubRecord } from './store-sink.ts';

/**
 * A section is closed at this size. Symbols that share texts are mostly neighbours: with four times as much, a snapshot
 * of a million symbols was no smaller, and took three times as long, because the table of texts outgrew the CPU's caches.
 */
const sectionBytes = 64 * 1024;
/** No symbol that takes more memory is kept, so that no section grows beyond its bound. */
const maxSymbolBytes = maxSectionBytes / 4;

/** Encodes the entries of a walk into sections. */
export class SnapshotEncoder implements StoreSink {
  readonly #texts = new ByteWriter(sectionBytes);
  readonly #records = new ByteWriter(sectionBytes);
  /** Numbers of the section's texts, from 1; 0 is the empty text. */
  readonly #textNumbers = new Map<string, number>();
  readonly #counts = { files: 0, symbols: 0, owners: 0, stubs: 0 };
  #sectionNumber = 0;
  /** The file and the owner with which the next section begins, so that its first symbol or stub has a parent. */
  #file: FileRecord | undefined;
  #owner: { readonly key: OwnerKey; readonly age: number } | undefined;
  /** Of the last symbol of the file in this section; -1 before the first. */
  #symbolAge = -1;

  get counts(): EntryCounts {
    return this.#counts;
  }

  /** True if a section is full and should be taken. */
  get isFull(): boolean {
    return this.#records.length + this.#texts.length >= sectionBytes;
  }

  file(file: FileRecord): void {
    this.#counts.files++;
    this.#file = file;
    this.#writeFile(file);
  }

  symbol(addressHigh: number, addressLow: number, age: number, symbol: FrameSymbol): void {
    if (symbolBytes(symbol) > maxSymbolBytes) return;
    const records = this.#records;
    if (records.length === 0) this.#writeFile({ ...this.#file!, isContinued: true });
    this.#counts.symbols++;
    records.byte(recordTags.symbol);
    // Ages never increase within a file, and most are equal or close.
    records.varint(this.#symbolAge < 0 ? age : this.#symbolAge - age);
    this.#symbolAge = age;
    records.varint(addressHigh);
    records.varint(addressLow);
    this.#writeSymbol(symbol, 0);
  }

  owner(key: OwnerKey, age: number): void {
    this.#counts.owners++;
    this.#owner = { key, age };
    this.#writeOwner();
  }

  stub(stub: StubRecord): void {
    if (symbolBytes(stub.symbol) > maxSymbolBytes) return;
    const records = this.#records;
    if (records.length === 0) this.#writeOwner();
    this.#counts.stubs++;
    records.byte(recordTags.stub);
    records.varint(stub.startHigh);
    records.varint(stub.startLow);
    records.varint(stub.lastHigh);
    records.varint(stub.lastLow);
    this.#writeSymbol(stub.symbol, 0);
  }

  /** All entries since the last section, as a section with its header. */
  takeSection(): Uint8Array[] {
    const textCount = new ByteWriter(8);
    textCount.varint(this.#textNumbers.size);
    const payload = Buffer.concat([textCount.written, this.#texts.written, this.#records.written]);
    this.#texts.clear();
    this.#records.clear();
    this.#textNumbers.clear();
    this.#symbolAge = -1;
    return this.#sectionOf(sectionKinds.entries, payload);
  }

  /** The rest, and the section that says that this is all. */
  end(): Uint8Array[] {
    const rest = this.#records.length === 0 ? [] : this.takeSection();
    const counts = new ByteWriter(32);
    for (const count of Object.values(this.#counts)) counts.varint(count);
    return [...rest, ...this.#sectionOf(sectionKinds.end, counts.written)];
  }

  #sectionOf(kind: SectionKind, payload: Buffer): Uint8Array[] {
    return [encodeSectionHeader(kind, this.#sectionNumber++, payload), payload];
  }

  #writeFile({ fileId, age, executable, isContinued }: FileRecord): void {
    const records = this.#records;
    records.byte(recordTags.file);
    records.word(fileId.word0);
    records.word(fileId.word1);
    records.word(fileId.word2);
    records.word(fileId.word3);
    records.varint(age);
    records.byte((isContinued ? 1 : 0) | (executable === undefined ? 0 : 2));
    if (executable !== undefined) this.#writeExecutable(executable);
    this.#symbolAge = -1;
  }

  #writeExecutable({ fileName, gnuBuildId, goBuildId, hasHtlHash }: Executable): void {
    this.#writeText(fileName);
    this.#writeText(gnuBuildId);
    this.#writeText(goBuildId);
    this.#records.byte(hasHtlHash ? 1 : 0);
  }

  #writeOwner(): void {
    const records = this.#records;
    const { key, age } = this.#owner!;
    records.byte(recordTags.owner);
    records.varint(age);
    records.byte('fileId' in key ? 0 : 1);
    this.#writeText('fileId' in key ? key.fileId : key.instanceId);
    if ('fileId' in key) return;
    records.varint(key.pid);
    records.uint64(key.startTimeNano);
  }

  #writeSymbol(symbol: FrameSymbol, depth: number): void {
    const records = this.#records;
    this.#writeText(symbol.functionName);
    this.#writeText(symbol.systemName);
    this.#writeText(symbol.filePath);
    records.varint(symbol.line);
    records.varint(symbol.column);
    records.varint(symbol.startLine);
    const inlined = depth < maxInlinedDepth ? symbol.inlined : [];
    records.varint(inlined.length);
    for (let i = 0; i < inlined.length; i++) this.#writeSymbol(inlined[i]!, depth + 1);
  }

  #writeText(text: string): void {
    if (text === '') {
      this.#records.byte(0);
      return;
    }
    let number = this.#textNumbers.get(text);
    if (number === undefined) {
      number = this.#textNumbers.size + 1;
      this.#textNumbers.set(text, number);
      this.#texts.text(text);
    }
    this.#records.varint(number);
  }
}
