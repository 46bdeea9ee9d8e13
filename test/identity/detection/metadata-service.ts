import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import { detectionType } from '../../../src/identity/detection/detection-config.ts';
import { ResourceDetection } from '../../../src/identity/detection/resource-detection.ts';
import { ResourceDraft } from '../../../src/identity/resource-draft.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { fakeHost } from '../fake-host.ts';
import { readProcessor } from '../processor-config.ts';

// Runs in a network namespace whose loopback has the address of every cloud's metadata service: the detectors know no other.
// Arguments: a cloud or none, and the configuration of the processor. Prints attributes and reasons as JSON.

/** Answers as the documents of the clouds print them; 401 or 400 without the header that each asks for. */
const clouds: Readonly<Record<string, (request: IncomingMessage) => number | string>> = {
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html and configuring-instance-metadata-service.html
  ec2: ({ url, method, headers }) => {
    if (url === '/latest/api/token') return method === 'PUT' ? 'the-token' : 405;
    if (headers['x-aws-ec2-metadata-token'] !== 'the-token') return 401;
    if (url === '/latest/meta-data/hostname') return 'ip-10-158-112-84.us-west-2.compute.internal';
    if (url !== '/latest/dynamic/instance-identity/document') return 404;
    return JSON.stringify({
      ...{
        devpayProductCodes: null,
        marketplaceProductCodes: ['1abc2defghijklm3nopqrs4tu'],
        availabilityZone: 'us-west-2b',
      },
      ...{
        privateIp: '10.158.112.84',
        version: '2017-09-30',
        instanceId: 'i-1234567890abcdef0',
        billingProducts: null,
      },
      ...{
        instanceType: 't2.micro',
        accountId: '123456789012',
        imageId: 'ami-5fb8c835',
        pendingTime: '2016-11-19T16:32:11Z',
      },
      ...{ architecture: 'x86_64', kernelId: null, ramdiskId: null, region: 'us-west-2' },
    });
  },
  // https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service
  azure: ({ url = '', headers }) => {
    if (headers.metadata?.toString().toLowerCase() !== 'true') return 400;
    if (!url.startsWith('/metadata/instance/compute?api-version=')) return 404;
    return JSON.stringify({
      ...{ azEnvironment: 'AZUREPUBLICCLOUD', location: 'westus', name: 'examplevmname', offer: 'WindowsServer' },
      ...{ osType: 'Linux', resourceGroupName: 'macikgo-test-may-23', sku: '2019-Datacenter', version: '15.05.22' },
      resourceId:
        '/subscriptions/xxxxxxxx/resourceGroups/macikgo-test-may-23/providers/Microsoft.Compute/virtualMachines/examplevmname',
      ...{ vmId: '02aab8a4-74ef-476e-8182-f6d2ba4166a6', vmScaleSetName: 'crpteste9vflji9', vmSize: 'Standard_A3' },
    });
  },
};

const [cloud = '', yaml = ''] = process.argv.slice(2);
const answer = clouds[cloud];
const server = createServer((request, response) => {
  const found = answer!(request);
  if (typeof found === 'number') response.writeHead(found).end();
  else response.end(found);
});
if (answer !== undefined) await new Promise<void>((resolve) => server.listen(80, '169.254.169.254', resolve));
const { config } = readProcessor(detectionType, yaml);
const { logger, lines } = recordLogs();
const parts = { host: fakeHost(), clock: systemClock, logger, processes: undefined };
const detection = new ResourceDetection('resource_detection', config, parts);
await detection.start();
const draft = new ResourceDraft([], { isServiceOnSamples: false });
detection.apply(draft);
const attributes = Object.fromEntries(draft.finish().map(({ key, value }) => [key, value]));
console.log(JSON.stringify({ attributes, reasons: lines.map(({ reason }) => reason) }));
process.exit(0);
