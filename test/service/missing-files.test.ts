import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configFaults } from '../support/secured-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-missing-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'there'));
writeFileSync(join(folder, 'token'), 'sesame\n');

function faultsOf(extension: string, exporter: string): string {
  const id = (text: string): string => text.slice(0, text.indexOf(':'));
  return configFaults(`
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}, reporting_cycle: {}}
exporters: {${exporter}}
extensions: {${extension}}
service:
  extensions: [${id(extension)}]
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [${id(exporter)}]}}
  telemetry: {metrics: {readers: []}}
`);
}

const debug = 'debug: {}';
const health = 'health_check: {endpoint: "127.0.0.1:0"}';

for (const { name, extension = health, exporter = debug, fault } of [
  {
    name: 'a token',
    extension: `bearertokenauth: {filename: ${folder}/none}`,
    fault: 'extensions.bearertokenauth.filename: cannot use',
  },
  {
    name: 'users',
    extension: `basicauth: {htpasswd: {file: ${folder}/none}}`,
    fault: 'extensions.basicauth.htpasswd.file: cannot use',
  },
  {
    name: 'a password',
    extension: `basicauth: {client_auth: {username: a, password_file: ${folder}/none}}`,
    fault: 'extensions.basicauth.client_auth.password_file: cannot use',
  },
  {
    name: 'a storage',
    extension: `file_storage: {directory: ${folder}/none}`,
    fault: 'extensions.file_storage.directory: cannot use',
  },
  {
    name: 'a file for a folder',
    extension: `file_storage: {directory: ${folder}/token}`,
    fault: `extensions.file_storage.directory: ${folder}/token is a file; name a writable folder`,
  },
  {
    name: 'a folder for a file',
    extension: `bearertokenauth: {filename: ${folder}/there}`,
    fault: `extensions.bearertokenauth.filename: ${folder}/there is a folder; name a readable file`,
  },
  {
    name: 'the folder of profiles',
    exporter: `file: {path: ${folder}/none/a}`,
    fault: 'exporters.file.path: cannot use',
  },
  {
    name: 'the authority of a backend',
    exporter: `otlp_grpc: {endpoint: "backend:1", tls: {ca_file: ${folder}/none}}`,
    fault: 'exporters.otlp_grpc.tls.ca_file: cannot use',
  },
  {
    name: 'the key of a client',
    exporter: `otlp_http: {endpoint: "https://backend:1", tls: {cert_file: ${folder}/token, key_file: ${folder}/none}}`,
    fault: 'exporters.otlp_http.tls.key_file: cannot use',
  },
]) {
  test(`a configuration is refused where a part has not what it needs: ${name}`, () => {
    const faults = faultsOf(extension, exporter);
    assert.ok(faults.includes(`Error: invalid configuration\n${fault}`), faults);
  });
}

for (const { name, extension = health, exporter = debug } of [
  {
    name: 'all that it needs',
    extension: `bearertokenauth: {filename: ${folder}/token}`,
    exporter: `file: {path: ${folder}/there/a}`,
  },
  {
    name: 'folders that it makes',
    extension: `file_storage: {directory: ${folder}/none, create_directory: true}`,
    exporter: `file: {path: ${folder}/none/a, create_directory: true}`,
  },
  { name: 'files of an exporter that is off', exporter: `otlp_grpc: {optional: true, tls: {ca_file: ${folder}/none}}` },
]) {
  test(`a configuration is taken with ${name}`, () => assert.equal(faultsOf(extension, exporter), ''));
}
