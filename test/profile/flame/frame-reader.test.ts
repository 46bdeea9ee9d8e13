import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, frameLabel } from '../../../src/profile/flame/frame-reader.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

const reader = new FrameReader(goodProfiles().dictionary);

test('stackFrames reads a stack leaf first, inlined functions before their caller', () => {
  const place = { frameType: 'native', mappingFile: '/usr/bin/shop' };
  assert.deepEqual(reader.stackFrames(1), [
    { functionName: '', filePath: '', line: 0n, ...place, address: 0x1234n, isInlined: false },
    { functionName: 'add', filePath: 'shop.c', line: 7n, ...place, address: 0x2345n, isInlined: true },
    { functionName: 'checkout', filePath: 'shop.c', line: 42n, ...place, address: 0x2345n, isInlined: false },
  ]);
});

test('a frame is made once', () => {
  assert.equal(reader.locationFrames(2), reader.locationFrames(2));
});

test('a function without a name shows its linker name', () => {
  const { dictionary } = goodProfiles();
  dictionary.functionTable[3] = { nameStrindex: 0, systemNameStrindex: 9, filenameStrindex: 0, startLine: 0n };
  assert.equal(new FrameReader(dictionary).locationFrames(3)[0]!.functionName, 'do_syscall_64');
});

for (const { name, stackIndex, frames } of [
  { name: 'a stack that is not there', stackIndex: 99, frames: 0 },
  { name: 'a negative index', stackIndex: -1, frames: 0 },
  { name: 'the stack that stands for none', stackIndex: 0, frames: 0 },
]) {
  test(`stackFrames has no frames for ${name}`, () => assert.equal(reader.stackFrames(stackIndex).length, frames));
}

test('what points nowhere is an empty frame', () => {
  const [frame, ...rest] = reader.locationFrames(99);
  assert.deepEqual(rest, []);
  assert.equal(frame!.functionName, '');
  assert.equal(reader.attribute([99, -1], 'profile.frame.type'), undefined);
});

test('frameLabel shows the name, or else where the frame is', () => {
  const [unnamed, named] = reader.stackFrames(1);
  assert.equal(frameLabel(named!), 'add');
  assert.equal(frameLabel(unnamed!), 'shop+0x1234');
  assert.equal(frameLabel({ ...unnamed!, mappingFile: '' }), 'native+0x1234');
  assert.equal(frameLabel({ ...unnamed!, mappingFile: '', frameType: '' }), 'unknown+0x1234');
});
