import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const child = join(import.meta.dirname, 'metadata-service.ts');
const inNamespace = [
  '-rn',
  'sh',
  '-c',
  'ip link set lo up && ip addr add 169.254.169.254/32 dev lo && exec "$@"',
  'sh',
];
const isPossible = spawnSync('unshare', [...inNamespace, 'true']).status === 0;
const skip = isPossible ? false : 'needs a network namespace of its own (unshare, ip)';

function detect(cloud: string, yaml: string): { readonly attributes: object; readonly reasons: readonly string[] } {
  const args = [...inNamespace, process.execPath, child, cloud, yaml];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as ReturnType<typeof detect>;
}

for (const { cloud, attributes } of [
  {
    cloud: 'ec2',
    attributes: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ec2',
      'cloud.account.id': '123456789012',
      'cloud.region': 'us-west-2',
      'cloud.availability_zone': 'us-west-2b',
      'host.id': 'i-1234567890abcdef0',
      'host.type': 't2.micro',
      'host.name': 'ip-10-158-112-84.us-west-2.compute.internal',
    },
  },
  {
    cloud: 'azure',
    attributes: {
      'azure.vm.scaleset.name': 'crpteste9vflji9',
      'azure.vm.sku': '2019-Datacenter',
      'cloud.platform': 'azure.vm',
      'cloud.provider': 'azure',
      'cloud.region': 'westus',
      'cloud.resource_id':
        '/subscriptions/xxxxxxxx/resourceGroups/macikgo-test-may-23/providers/Microsoft.Compute/virtualMachines/examplevmname',
      'host.id': '02aab8a4-74ef-476e-8182-f6d2ba4166a6',
      'host.name': 'examplevmname',
      'host.type': 'Standard_A3',
      'os.version': '15.05.22',
    },
  },
]) {
  test(`the detector "${cloud}" asks the metadata service of its cloud`, { skip }, () => {
    assert.deepEqual(detect(cloud, `{detectors: [${cloud}]}`), { attributes, reasons: [] });
  });
}

test('attributes of a cloud that are switched off stay away', { skip }, () => {
  const off = 'resource_attributes: {host.name: {enabled: false}, cloud.account.id: {enabled: false}}';
  const { attributes } = detect('ec2', `{detectors: [ec2], ec2: {${off}}}`);
  assert.deepEqual(
    Object.keys(attributes).filter((key) => key === 'host.name' || key === 'cloud.account.id'),
    [],
  );
  assert.equal(Object.keys(attributes).length, 6);
});

for (const { name, cloud } of [
  { name: 'no metadata service', cloud: 'none' },
  { name: 'the service of another cloud', cloud: 'azure' },
]) {
  test(`${name} leaves a profile without attributes of EC2, and is said`, { skip }, () => {
    const { attributes, reasons } = detect(cloud, '{detectors: [ec2]}');
    assert.deepEqual(attributes, {});
    assert.equal(reasons.length, 1);
    assert.match(reasons[0]!, /169\.254\.169\.254 gave no answer; leave this detector out where/);
  });
}
