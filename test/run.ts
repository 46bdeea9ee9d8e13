import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

// `npm test [-- PATTERN…]` runs the files of a room in one process: to start Node.js and import the service for each file takes as much
// CPU as the tests themselves. `node --test FILE` runs one file.
const root = join(import.meta.dirname, '..');
const groupFolder = join(root, 'node_modules/.cache/framekeeper/groups');
// One more than the cores of a small machine: some tests wait.
const concurrency = 3;
const timeoutMs = 900_000;
const mostFilesOfGroup = 16;
/** Rooms of no more files share a process. */
const mostFilesOfSmallRoom = 3;

/** Files that measure their process, or listen to all of it. */
const alone: ReadonlySet<string> = new Set([
  'test/exporters/connection-fault.test.ts',
  'test/exporters/export-request.test.ts',
  'test/exporters/request-splitter.test.ts',
  'test/memory-pressure.test.ts',
  'test/native/fuzz.test.ts',
  'test/otlp-fuzz.test.ts',
  'test/receivers/grpc-server.test.ts',
  'test/soak/past-stores.test.ts',
  'test/soak/real-clock.test.ts',
  'test/soak/week.test.ts',
]);

// A test that timed out may leave a timer or a socket behind, which would keep its group from ending.
const lifeLimit = `setTimeout(() => process.exit(1), ${timeoutMs + 60_000}).unref();\n`;

const patterns = process.argv.length > 2 ? process.argv.slice(2) : ['test/**/*.test.ts'];
const groups = groupsOf(globSync(patterns, { cwd: root }).sort());
if (groups.length === 0) throw new Error(`No test file matches ${patterns.join(' ')}; name files below test/.`);
mkdirSync(groupFolder, { recursive: true });
const files = groups.map(({ name, members }) => {
  const file = join(groupFolder, `${name}.mjs`);
  const imports = members.map((member) => `import '${relative(groupFolder, join(root, member))}';\n`);
  writeFileSync(file, [lifeLimit, ...imports].join(''));
  return file;
});
const results = run({ files, concurrency, timeout: timeoutMs });
results.on('test:fail', () => {
  process.exitCode = 1;
});
results.compose(spec).pipe(process.stdout);

interface Group {
  readonly name: string;
  readonly members: readonly string[];
}

/** The groups in the order of their start: single files first, among them those that take longest. */
function groupsOf(tests: readonly string[]): Group[] {
  const single = tests.filter((file) => alone.has(file));
  const shared = tests.filter((file) => !alone.has(file));
  const byRoom = Map.groupBy(shared, roomOf);
  const rooms = Map.groupBy(shared, (file) => {
    const room = roomOf(file);
    return byRoom.get(room)!.length > mostFilesOfSmallRoom ? room : 'small-rooms';
  });
  return [
    ...single.reverse().map((file) => ({ name: file.replaceAll(/\W/g, '-'), members: [file] })),
    ...[...rooms].flatMap(([room, members]) =>
      divide(members).map((part, n) => ({ name: `${room}-${n}`, members: part })),
    ),
  ];
}

function roomOf(file: string): string {
  return file.split('/').slice(1, -1)[0] ?? 'whole-service';
}

/** Parts of equal size; neighbours, which are often alike in what they cost, go to different ones. */
function divide(members: readonly string[]): string[][] {
  const count = Math.ceil(members.length / mostFilesOfGroup);
  return Array.from({ length: count }, (_, part) => members.filter((_member, index) => index % count === part));
}
