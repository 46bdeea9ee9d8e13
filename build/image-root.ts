import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { dist, project } from './bundles.ts';

// The whole file system of the image: the executable, the libraries that it is linked with, and a few small files. Run after
// `npm run build:executable`:
//
//   node build/image-root.ts [--libraries-of ROOT] FOLDER
//
// ROOT is the top of a Debian of the executable's architecture (default: this machine's).
const { values, positionals } = parseArgs({
  options: { 'libraries-of': { type: 'string', default: '/' } },
  allowPositionals: true,
});
const [root] = positionals;
if (root === undefined) throw new Error('usage: node build/image-root.ts [--libraries-of ROOT] FOLDER');
const debian = values['libraries-of'];

rmSync(root, { recursive: true, force: true });
copy(join(dist, 'framekeeper'), 'usr/bin/framekeeper');
const packages = new Set<string>();
for (const path of libraries(join(dist, 'framekeeper'))) {
  copy(join(debian, path), path);
  packages.add(packageOf(path));
}
copy(join(project, 'otel-config.yaml'), 'etc/framekeeper/otel-config.yaml');
copy(join(debian, 'usr/lib/os-release'), 'etc/os-release');
write('etc/passwd', 'root:x:0:0:root:/:/sbin/nologin\nframekeeper:x:1000:1000:framekeeper:/:/sbin/nologin\n');
write('etc/group', 'root:x:0:\nframekeeper:x:1000:\n');
write('etc/nsswitch.conf', 'hosts: files dns\n');
copy(join(dist, 'framekeeper.cdx.json'), 'usr/share/doc/framekeeper/sbom.cdx.json');
copy(join(dist, 'framekeeper.licenses.txt'), 'usr/share/doc/framekeeper/licenses.txt');
copy(join(project, 'LICENSE'), 'usr/share/doc/framekeeper/copyright');
for (const name of packages) {
  copy(copyrightOf(name), `usr/share/doc/${name}/copyright`);
  // Scanners look there for the packages of an image without a package manager.
  write(`var/lib/dpkg/status.d/${name}`, statusOf(name));
}
for (const path of ['dev', 'proc', 'sys', 'tmp', 'var/lib/framekeeper'])
  mkdirSync(join(root, path), { recursive: true });
chmodSync(join(root, 'tmp'), 0o1777);

/** Paths below the top, without a slash before: the interpreter, and all libraries that `file` needs, and those need. */
function libraries(file: string): string[] {
  const found = new Set<string>();
  const search = (path: string): void => {
    for (const name of needed(path)) {
      const place = name.startsWith('/') ? name.slice(1) : locate(name);
      if (found.has(place)) continue;
      found.add(place);
      search(join(debian, place));
    }
  };
  search(file);
  return [...found];
}

function needed(file: string): string[] {
  const text = execFileSync('readelf', ['--wide', '--dynamic', '--program-headers', file], { encoding: 'utf8' });
  const matches = text.matchAll(/Shared library: \[(?!ld-linux)(.+?)\]|program interpreter: (.+?)\]/g);
  return [...matches].map(([, library, interpreter]) => (library ?? interpreter)!);
}

function locate(name: string): string {
  const [found] = globSync([`lib/*-linux-*/${name}`, `usr/lib/*-linux-*/${name}`], { cwd: debian });
  if (found === undefined)
    throw new Error(`Cannot find ${name} below ${debian}: install what the executable is linked with.`);
  return found;
}

/** Debian's package that a library belongs to, by the lists of dpkg. */
function packageOf(path: string): string {
  const lists = globSync('var/lib/dpkg/info/*.list', { cwd: debian });
  // Debian has merged /lib into /usr/lib, and older packages name the former.
  const plain = path.replace(/^usr\//, '');
  const file = basename(path);
  for (const list of lists) {
    const lines = readFileSync(join(debian, list), 'utf8').split('\n');
    const isOwner = lines.some(
      (line) => line.endsWith(`/${file}`) && relative('/', line).replace(/^usr\//, '') === plain,
    );
    if (isOwner) return basename(list, '.list').replace(/:.*/, '');
  }
  throw new Error(`Cannot find the package of ${path} below ${debian}.`);
}

/** Packages of GCC have that of their common base; slim images lack the link to it. */
function copyrightOf(name: string): string {
  const base = /\bgcc-\d+-base\b/.exec(statusOf(name))?.[0];
  const found = [name, base].flatMap((each) =>
    each === undefined ? [] : [join(debian, 'usr/share/doc', each, 'copyright')],
  );
  const path = found.find((each) => existsSync(each));
  if (path === undefined) throw new Error(`Cannot find the copyright of ${name} below ${debian}.`);
  return path;
}

function statusOf(name: string): string {
  const status = readFileSync(join(debian, 'var/lib/dpkg/status'), 'utf8').split('\n\n');
  const stanza = status.find((each) => each.startsWith(`Package: ${name}\n`));
  if (stanza === undefined) throw new Error(`dpkg does not know ${name} below ${debian}.`);
  return `${stanza}\n`;
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(join(root!, to)), { recursive: true });
  copyFileSync(from, join(root!, to));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root!, path)), { recursive: true });
  writeFileSync(join(root!, path), text);
}
