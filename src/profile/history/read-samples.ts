// hot

import type {
  Entries,
  KeyValue,
  Line,
  Location,
  Profile,
  ProfilesData,
  ProfilesDictionary,
} from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import type { StackColumns } from '../../otlp/stack-columns.ts';
import { stackColumnsOf } from '../../otlp/stack-columns.ts';
import type { Steps } from '../../support/steps.ts';
import { attributeNames } from '../attribute-names.ts';
import { classifyFrame } from '../flame/frame-class.ts';
import { attributeText } from '../formats/attribute-text.ts';
import type { HistoryDictionary, LabelField, LabelSet } from './history-dictionary.ts';
import type { HistoryFrame, HistoryType } from './history-frame.ts';
import { boundedText } from './history-frame.ts';

/** Takes the value of a stack and a label set of one profile type. */
export type AddValue = (stack: number, labelSet: number, value: number) => void;

/**
 * Reads the samples of a request as stacks and label sets of `dictionary`. `open` gives the taker of a profile type's values, and is
 * told how many samples there are; `undefined` leaves them out. Takes any data: an index that leads nowhere is an empty entry.
 */
export function* readSamples(
  data: ProfilesData,
  dictionary: HistoryDictionary,
  open: (type: HistoryType, sampleCount: number) => AddValue | undefined,
): Steps<void> {
  const stacks = new StackReader(data.dictionary, dictionary);
  const attributes = new LabelAttributes(data.dictionary);
  for (const { resource, scopeProfiles } of data.resourceProfiles) {
    const labels = new LabelReader(labelsOfResource(resource.attributes), attributes, dictionary);
    for (const { profiles } of scopeProfiles) {
      for (const profile of profiles) {
        const add = open(readType(profile, data.dictionary.stringTable), profile.samples.length);
        if (add !== undefined) yield* addSamples(profile, stacks, labels, add);
        yield;
      }
    }
  }
}

// A tenth of a millisecond each, more or less, before the code is optimized.
const stacksPerStep = 8;
const samplesPerStep = 256;

function* addSamples({ samples }: Profile, stacks: StackReader, labels: LabelReader, add: AddValue): Steps<void> {
  const totals = new Map<number, number>();
  let steps = 0;
  const { columns, first, length } = columnsOf(samples);
  for (let i = first; i < first + length; i++) {
    if (++steps % samplesPerStep === 0) yield;
    const value = totalOf(columns, i);
    // A box cannot be drawn with a negative width.
    if (value <= 0) continue;
    const key = labels.read(columns, i) * 2 ** 32 + columns.stack(i);
    totals.set(key, (totals.get(key) ?? 0) + value);
  }
  steps = 0;
  for (const [key, value] of totals) {
    if (++steps % stacksPerStep === 0) yield;
    add(stacks.read(key % 2 ** 32), Math.floor(key / 2 ** 32), value);
  }
}

function totalOf(columns: SampleColumns, sample: number): number {
  const [start, end] = [columns.valuesStart(sample), columns.valuesEnd(sample)];
  if (start === end) return columns.timesEnd(sample) - columns.timesStart(sample);
  let value = 0;
  for (let at = start; at < end; at++) value += Number(columns.value(at));
  return value;
}

function readType({ sampleType, periodType, period }: Profile, strings: Entries<string>): HistoryType {
  return {
    sampleType: boundedText(entryOf(strings, sampleType.typeStrindex)),
    sampleUnit: boundedText(entryOf(strings, sampleType.unitStrindex)),
    periodType: boundedText(entryOf(strings, periodType.typeStrindex)),
    periodUnit: boundedText(entryOf(strings, periodType.unitStrindex)),
    period: Number(period),
  };
}

/** Attributes that set a field; of those of one field the first named here counts. */
const fieldsOfAttributes: ReadonlyMap<string, LabelField> = new Map([
  [attributeNames.serviceName, 'service'],
  [attributeNames.processPid, 'process'],
  [attributeNames.threadName, 'thread'],
  [attributeNames.threadId, 'thread'],
  [attributeNames.containerId, 'container'],
  ['host.name', 'host'],
  ['host.id', 'host'],
  [attributeNames.processExecutablePath, 'executable'],
  [attributeNames.processExecutableName, 'executable'],
]);

/** Profilers of a whole system do not know the services, but what was running. */
function labelsOfResource(attributes: readonly KeyValue[]): LabelSet {
  const texts = new Map(attributes.map(({ key, value }) => [key, boundedText(attributeText(value))]));
  const labels = { service: '', process: '', thread: '', container: '', host: '', executable: '' };
  for (const [name, field] of fieldsOfAttributes) labels[field] ||= texts.get(name) ?? '';
  labels.service ||= texts.get(attributeNames.processExecutableName) || '(no service.name)';
  return labels;
}

/** The attributes of one dictionary that set a field. */
class LabelAttributes {
  /** By attribute; most set none. */
  readonly fields: readonly (LabelField | undefined)[];
  readonly texts: readonly string[];

  constructor({ attributeTable, stringTable }: ProfilesDictionary) {
    const names = [...fieldsOfAttributes.keys()];
    const ranks = attributeTable.map(({ keyStrindex }) => names.indexOf(entryOf(stringTable, keyStrindex) ?? ''));
    this.fields = ranks.map((rank) => (rank < 0 ? undefined : fieldsOfAttributes.get(names[rank]!)));
    this.texts = ranks.map((rank, index) => (rank < 0 ? '' : boundedText(attributeText(attributeTable[index]!.value))));
  }
}

/** Label sets of the samples of one resource; each combination of attributes is read once. */
class LabelReader {
  readonly #resource: LabelSet;
  readonly #attributes: LabelAttributes;
  readonly #dictionary: HistoryDictionary;
  readonly #known = new Map<string, number>();

  constructor(resource: LabelSet, attributes: LabelAttributes, dictionary: HistoryDictionary) {
    this.#resource = resource;
    this.#attributes = attributes;
    this.#dictionary = dictionary;
  }

  /** The label set of a sample. */
  read(columns: SampleColumns, sample: number): number {
    const { fields, texts } = this.#attributes;
    const [start, end] = [columns.attributesStart(sample), columns.attributesEnd(sample)];
    let key = '';
    for (let at = start; at < end; at++) {
      const index = columns.attributes[at]!;
      if (fields[index] !== undefined) key += `${index} `;
    }
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const own: Partial<Record<LabelField, string>> = {};
    for (const index of columns.attributes.subarray(start, end)) {
      const field = fields[index];
      // A thread is called by its name; the ID stands for one without.
      if (field !== undefined && (own[field] ?? '') === '') own[field] = texts[index]!;
      else if (field === 'thread' && /^\d+$/.test(own.thread!)) own.thread = texts[index]!;
    }
    const labelSet = this.#dictionary.labelSet({ ...this.#resource, ...own });
    this.#known.set(key, labelSet);
    return labelSet;
  }
}

/** Stacks of one request as nodes of the history's; each stack and location is read once. */
class StackReader {
  readonly #own: ProfilesDictionary;
  readonly #stacks: StackColumns;
  readonly #dictionary: HistoryDictionary;
  readonly #nodes: number[] = [];
  readonly #framesByLocation: (readonly number[] | undefined)[] = [];

  constructor(own: ProfilesDictionary, dictionary: HistoryDictionary) {
    this.#own = own;
    this.#stacks = stackColumnsOf(own.stackTable);
    this.#dictionary = dictionary;
  }

  read(stack: number): number {
    let node = this.#nodes[stack];
    if (node !== undefined) return node;
    node = 0;
    const { lists } = this.#stacks;
    const isKnown = stack >= 0 && stack < lists.count;
    const start = isKnown ? lists.start(stack) : 0;
    for (let at = (isKnown ? lists.end(stack) : 0) - 1; at >= start; at--) {
      for (const frame of this.#framesAt(lists.indices[at]!)) node = this.#dictionary.stacks.child(node, frame);
    }
    this.#nodes[stack] = node;
    return node;
  }

  /** Inlined functions stand below the function that they were inlined into. */
  #framesAt(index: number): readonly number[] {
    const known = this.#framesByLocation[index];
    if (known !== undefined) return known;
    const location = entryOf(this.#own.locationTable, index);
    const frames = location === undefined ? [] : this.#framesOf(location);
    const indices = frames.map((frame) => this.#dictionary.frame(frame));
    this.#framesByLocation[index] = indices;
    return indices;
  }

  #framesOf(location: Location): HistoryFrame[] {
    const type = this.#attribute(location.attributeIndices, attributeNames.frameType);
    const mapping = this.#own.mappingTable[location.mappingIndex];
    const module = this.#text(mapping?.filenameStrindex);
    const buildId = this.#attribute(mapping?.attributeIndices ?? [], attributeNames.gnuBuildId);
    const place = { type, module, buildId };
    const named = location.lines.toReversed().flatMap((line) => this.#frameOf(line, place));
    if (named.length > 0) return named;
    const { address } = location;
    return [{ name: placeOf(address, type, module), class: 'unresolved', ...place, file: '', line: 0, address }];
  }

  #frameOf({ functionIndex, line }: Line, place: Pick<HistoryFrame, 'type' | 'module' | 'buildId'>): HistoryFrame[] {
    const entry = entryOf(this.#own.functionTable, functionIndex);
    const name = this.#text(entry?.nameStrindex) || this.#text(entry?.systemNameStrindex);
    if (name === '') return [];
    const file = this.#text(entry?.filenameStrindex);
    const start = Number(entry?.startLine ?? 0n);
    const frameClass = classifyFrame({ type: place.type, name, file });
    return [{ name, class: frameClass, ...place, file, line: start > 0 ? start : Number(line), address: 0n }];
  }

  #attribute(indices: readonly number[], name: string): string {
    for (const index of indices) {
      const attribute = this.#own.attributeTable[index];
      if (typeof attribute?.value !== 'string') continue;
      if (entryOf(this.#own.stringTable, attribute.keyStrindex) === name) return boundedText(attribute.value);
    }
    return '';
  }

  #text(index: number | undefined): string {
    return boundedText(entryOf(this.#own.stringTable, index ?? 0));
  }
}

/** Place of an unnamed frame: the file's base name or else the frame type, and the address. */
function placeOf(address: bigint, type: string, module: string): string {
  const base = module.slice(module.lastIndexOf('/') + 1) || (type === '' || type === 'native' ? '' : `[${type}]`);
  return `${base === '' ? '' : `${base}+`}0x${address.toString(16)}`;
}
