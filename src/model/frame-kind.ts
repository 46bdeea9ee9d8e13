/**
 * Kind of the code of a frame, and thereby the meaning of "address or line". The numbers are those of
 * `framekeeper.frames.v1.FrameKind`; the names are the values of `profile.frame.type` in the
 * semantic conventions (https://opentelemetry.io/docs/specs/semconv/registry/attributes/profile/).
 */
export const frameKinds = {
  unspecified: 0,
  native: 1,
  kernel: 2,
  jvm: 3,
  cpython: 4,
  v8js: 5,
  dotnet: 6,
  php: 7,
  ruby: 8,
  perl: 9,
  beam: 10,
  go: 11,
  luajit: 12,
  rust: 13,
} as const;

export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

const namesByKind = Object.keys(frameKinds) as (keyof typeof frameKinds)[];

/** The `profile.frame.type` of a kind; an unspecified kind is told as native, the only one that promises nothing. */
export function frameTypeName(kind: FrameKind): string {
  return kind === frameKinds.unspecified ? 'native' : namesByKind[kind]!;
}

/** True if the address of such a frame lies in an executable's code, which the symbols of that file name. */
export function isFileNamed(kind: FrameKind): boolean {
  return kind === frameKinds.native || kind === frameKinds.go || kind === frameKinds.rust;
}

/** True if only the collector can name such a frame: nobody downstream can symbolize it from an address. */
export function isCollectorNamed(kind: FrameKind): boolean {
  return kind !== frameKinds.native && kind !== frameKinds.unspecified;
}
