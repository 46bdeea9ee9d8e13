import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readProfilesFile } from '../../src/cli/inspect/read-profiles-file.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { arbitraryProfiles } from '../otlp/arbitrary-profiles.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { decodeProfilesJson } from '../support/decode-json.ts';
import { runRecordings } from '../support/recorded-run.ts';
import { withLists } from '../support/with-lists.ts';
import { exampleProfiles } from './example-profiles.ts';
import { renderAll } from './pdata.ts';

const recordings = join(import.meta.dirname, '../../recordings');
const realPayloads = join(import.meta.dirname, '../../../shared/data/otlp');

const sources: readonly { name: string; skip?: string | false; messages: () => Promise<readonly ProfilesData[]> }[] = [
  {
    name: 'examples',
    messages: async () => [exampleProfiles(), goodProfiles()].map(encodeProfilesData).map(decodeProfilesData),
  },
  { name: 'arbitrary requests', messages: async () => arbitraryRequests() },
  {
    name: 'reports of the recordings',
    messages: async () => {
      const folders = readdirSync(recordings, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const args = folders.map(({ name }) => join(recordings, name));
      return (await runRecordings(['--speed', '100', ...args])).messages;
    },
  },
  {
    name: 'payloads of real profilers',
    skip: !existsSync(realPayloads) && `${realPayloads} is not there`,
    messages: async () => {
      const paths = readdirSync(realPayloads).map((file) => join(realPayloads, file));
      const files = await Promise.all(paths.map((path) => readProfilesFile(readFileSync(path))));
      return files.flatMap(({ messages }) => messages.map(({ data }) => data));
    },
  },
];

for (const { name, messages, skip = false } of sources) {
  test(`JSON and protobuf of ${name} are the Collector's`, { skip, timeout: 120_000 }, async () => {
    const requests = await messages();
    assert.ok(requests.length > 0);
    const theirs = (await renderAll('request', 'json', requests.map(encodeProfilesData))).map(String);
    for (const [i, request] of requests.entries()) {
      // Not only the same value: letter by letter, in the same order.
      assert.equal(encodeProfilesJson(request), inlined(theirs[i]!, request));
      assert.deepEqual(withStringsOf(request, decodeProfilesJson(theirs[i]!)), withLists(request));
    }
    const read = await renderAll('request', 'proto', requests.map(encodeProfilesJson));
    for (const [i, request] of requests.entries()) {
      assert.deepEqual(withStringsOf(request, withLists(decodeProfilesData(read[i]!))), withLists(request));
    }
  });
}

/** Whatever the wire can carry, but with IDs of the right length: the Collector takes no others. */
function arbitraryRequests(): ProfilesData[] {
  const requests = fc.sample(arbitraryProfiles, { seed: 20261123, numRuns: 500 }) as Mutable<ProfilesData>[];
  for (const { resourceProfiles, dictionary } of requests) {
    for (const { scopeProfiles } of resourceProfiles) {
      for (const { profiles } of scopeProfiles)
        for (const profile of profiles) profile.profileId = id(profile.profileId, 16);
    }
    for (const link of dictionary.linkTable) {
      link.traceId = id(link.traceId, 16);
      link.spanId = id(link.spanId, 8);
    }
    // References need it, and the Collector adds it where it is missing.
    dictionary.stringTable.unshift('');
  }
  return requests as ProfilesData[];
}

/** Of nothing but zeros the Collector makes none at all. */
function id(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.every((byte) => byte === 0)) return new Uint8Array(0);
  return Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length]! || 1);
}

/**
 * The Collector's text as it would be with the attributes of resources and scopes inline. Since 0.161 it puts their
 * strings behind those of the string table and refers to them; we write them where they are, which every release reads.
 */
function inlined(text: string, { dictionary }: ProfilesData): string {
  const json = JSON.parse(text) as Json;
  const strings = (json.dictionary as { stringTable?: string[] }).stringTable ?? [];
  const resources = (json.resourceProfiles ?? []) as { resource: Json; scopeProfiles?: { scope: Json }[] }[];
  for (const { resource, scopeProfiles = [] } of resources) {
    for (const owner of [resource, ...scopeProfiles.map(({ scope }) => scope)]) {
      if (owner.attributes) owner.attributes = (owner.attributes as Json[]).map((item) => inlineKey(item, strings));
    }
  }
  strings.length = dictionary.stringTable.length;
  return stringify(json);
}

type Json = Record<string, unknown>;

function inlineKey({ key, keyStrindex, value }: Json, strings: readonly string[]): Json {
  const text = keyStrindex === undefined ? key : strings[keyStrindex as number];
  return { ...(text !== undefined && { key: text }), value: inlineValue(value as Json, strings) };
}

function inlineValue(value: Json, strings: readonly string[]): Json {
  if ('stringValueStrindex' in value) return { stringValue: strings[value.stringValueStrindex as number] };
  for (const [kind, inline] of [
    ['arrayValue', inlineValue],
    ['kvlistValue', inlineKey],
  ] as const) {
    const list = value[kind] as { values?: Json[] } | undefined;
    if (list?.values) return { [kind]: { values: list.values.map((item) => inline(item, strings)) } };
  }
  return value;
}

/** Of what JSON can write in several ways, exponents and control characters, it has JavaScript's. */
function stringify(json: Json): string {
  const rawJson = (JSON as unknown as { rawJSON(text: string): object }).rawJSON;
  return JSON.stringify(json, (_, value) => (Object.is(value, -0) ? rawJson('-0') : value));
}

/** A message without the strings that the Collector put behind those of the original. */
function withStringsOf(original: ProfilesData, { resourceProfiles, dictionary }: ProfilesData): ProfilesData {
  const stringTable = [...dictionary.stringTable].slice(0, original.dictionary.stringTable.length);
  return { resourceProfiles, dictionary: { ...dictionary, stringTable } };
}
