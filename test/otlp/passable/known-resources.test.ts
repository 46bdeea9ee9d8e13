import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { KnownResources } from '../../../src/otlp/passable/known-resources.ts';
import type { KeyValue } from '../../../src/otlp/profiles-data.ts';
import { encodeAttributes } from '../../../src/otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../../src/otlp/protobuf/protobuf-writer.ts';

function bytesOf(attributes: readonly KeyValue[]): Uint8Array {
  const writer = new ProtobufWriter(64);
  encodeAttributes(writer, 1, attributes);
  return writer.finish();
}

function decodeIn(known: KnownResources, bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return known.decode(bytes, view, 0, bytes.length);
}

test('a resource that comes again is the same object, whatever becomes of the bytes that it came in', () => {
  const known = new KnownResources();
  const bytes = bytesOf([{ key: 'service.name', value: 'shop' }]);
  const received = bytes.slice();
  const first = decodeIn(known, received);
  received.fill(0);
  assert.equal(decodeIn(known, bytes), first);
  assert.equal(known.write(first.attributes), known.write(first.attributes));
});

test('resources are what their bytes say, in whatever order they come', () => {
  const attribute = fc.record(
    { key: fc.constantFrom('a', 'b'), value: fc.constantFrom('x', 'y', 'x'.repeat(3_000)) },
    { noNullPrototype: true },
  );
  const resources = fc.array(fc.uniqueArray(attribute, { selector: ({ key }) => key }), { maxLength: 20 });
  const known = new KnownResources();
  fc.assert(
    fc.property(resources, (lists) => {
      for (const attributes of lists) {
        const bytes = bytesOf(attributes);
        const decoded = decodeIn(known, bytes);
        assert.deepEqual(decoded, { attributes, droppedAttributesCount: 0 });
        assert.deepEqual(Buffer.from(known.write(decoded.attributes).fields), Buffer.from(bytes));
      }
    }),
    { endOnFailure: true },
  );
});

test('a resource keeps its own bytes, and no more of the memory that others take as well', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const known = new KnownResources();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const count = 100;
  for (let index = 0; index < count; index++) {
    decodeIn(known, bytesOf([{ key: 'service.name', value: `shop ${index}` }]));
    // Fills Node.js's pool of 64 KiB, so that there is another one soon.
    Buffer.allocUnsafe(20_000);
  }
  collect();
  // Buffers are freed beside the first one.
  collect();
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < count * 4096, `${grown} bytes`);
  assert.equal(decodeIn(known, bytesOf([])).attributes.length, 0);
});
