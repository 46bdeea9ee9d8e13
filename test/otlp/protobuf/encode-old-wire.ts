import type { Profile, ProfilesData, Sample, ValueType } from '../../../src/otlp/profiles-data.ts';
import { encodeAttributes } from '../../../src/otlp/protobuf/encode-attributes.ts';
import { encodeDictionary } from '../../../src/otlp/protobuf/encode-dictionary.ts';
import { ProtobufWriter } from '../../../src/otlp/protobuf/protobuf-writer.ts';
import { atOnce } from '../../../src/support/steps.ts';

/** Profiles as senders of proto v1.8 and v1.9 write them. */
export function encodeOldWire({ dictionary, resourceProfiles }: ProfilesData, version: 'v1.8' | 'v1.9'): Uint8Array {
  const writer = new ProtobufWriter(4096);
  atOnce(encodeDictionary(writer, dictionary));
  writer.message(2, 0);
  writer.messages(1, resourceProfiles, ({ resource, scopeProfiles, schemaUrl }) => {
    writer.text(3, schemaUrl);
    writer.messages(2, scopeProfiles, ({ scope, profiles, ...rest }) => {
      writer.text(3, rest.schemaUrl);
      writer.messages(2, profiles, (profile) => encodeProfile(writer, profile, version));
      const mark = writer.length;
      encodeAttributes(writer, 3, scope.attributes);
      writer.text(2, scope.version);
      writer.text(1, scope.name);
      writer.message(1, mark);
    });
    const mark = writer.length;
    writer.uint32(2, resource.droppedAttributesCount);
    encodeAttributes(writer, 1, resource.attributes);
    writer.message(1, mark);
  });
  return writer.finish();
}

function encodeProfile(writer: ProtobufWriter, profile: Profile, version: 'v1.8' | 'v1.9'): void {
  const shift = version === 'v1.8' ? 1 : 0;
  writer.packedInt32(11 + shift, profile.attributeIndices);
  writer.bytes(10 + shift, profile.originalPayload);
  writer.text(9 + shift, profile.originalPayloadFormat);
  writer.uint32(8 + shift, profile.droppedAttributesCount);
  writer.bytes(7 + shift, profile.profileId);
  writer.int64(6, profile.period);
  encodeValueType(writer, 5, profile.periodType);
  writer.int64(4, profile.durationNano);
  writer.fixed64(3, profile.timeUnixNano);
  writer.messages(2, [...profile.samples], (sample) => encodeSample(writer, sample));
  encodeValueType(writer, 1, profile.sampleType);
}

function encodeValueType(writer: ProtobufWriter, field: number, type: ValueType): void {
  const mark = writer.length;
  writer.int32(2, type.unitStrindex);
  writer.int32(1, type.typeStrindex);
  writer.message(field, mark);
}

function encodeSample(writer: ProtobufWriter, sample: Sample): void {
  writer.packedFixed64(5, sample.timestampsUnixNano);
  writer.int32(4, sample.linkIndex);
  writer.packedInt32(3, sample.attributeIndices);
  writer.packedInt64(2, sample.values);
  writer.int32(1, sample.stackIndex);
}
