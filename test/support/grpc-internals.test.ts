import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { CompressionAlgorithms } from '@grpc/grpc-js/build/src/compression-algorithms.js';
import { checkGrpcVersion } from '../../src/support/grpc-internals.ts';

test('checkGrpcVersion takes the version that is installed, and refuses every other', () => {
  checkGrpcVersion();
  assert.throws(() => checkGrpcVersion('1.14.8'), /grpc-js is 1\.14\.8, and its private parts are known of 1\.14\.7/);
});

test('the private parts of grpc-js are where they were', () => {
  assert.equal(CompressionAlgorithms[2], 'gzip');
  const credentials = ChannelCredentials.createFromSecureContext(createSecureContext());
  assert.equal(typeof Reflect.get(credentials, '_createSecureConnector'), 'function');
});

test('no other file looks into grpc-js', () => {
  const source = join(import.meta.dirname, '../../src');
  const openers = globSync('**/*.ts', { cwd: source }).filter((file) =>
    /^import (?!type).*@grpc\/grpc-js\/|createHttp2Server|_readableState|_createSecureConnector/m.test(
      readFileSync(join(source, file), 'utf8'),
    ),
  );
  assert.deepEqual(openers, ['support/grpc-internals.ts']);
});
