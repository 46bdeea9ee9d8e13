import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descriptorSet } from '../../test/support/descriptor-set.ts';
import { documents } from './documents.ts';

for (const { path, text } of documents()) writeFileSync(path, text);
writeFileSync(join(import.meta.dirname, '../../proto/descriptors.binpb'), descriptorSet());
