import { ByteWalk } from '../passable/byte-walk.ts';

/** Resources and profiles of a request as protobuf, which is not decoded for that. The bytes are those of our own encoder, or were scanned. */
export function countProfiles(bytes: Uint8Array): { readonly resources: number; readonly profiles: number } {
  const walk = new ByteWalk();
  walk.start(bytes);
  const counts = { resources: 0, profiles: 0 };
  const passOver = (end: number, depth: number): void => {
    while (walk.position < end) {
      const tag = walk.tag();
      const fieldEnd = walk.fieldEnd(end);
      const isResource = depth === 0 && tag === resourceProfiles;
      if (isResource) counts.resources++;
      if (depth === depthOfProfiles && tag === inner) counts.profiles++;
      if (isResource || (depth > 0 && depth < depthOfProfiles && tag === inner)) passOver(fieldEnd, depth + 1);
      walk.position = fieldEnd;
    }
  };
  passOver(bytes.length, 0);
  return counts;
}

/** Tags of `resource_profiles`, and of `scope_profiles` and `profiles` in the messages around them, whose fields all have a length. */
const resourceProfiles = 0x0a;
const inner = 0x12;
const depthOfProfiles = 2;
