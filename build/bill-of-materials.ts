import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFiles, project } from './bundles.ts';

/** A package of which something is in a bundle. */
interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** From the top of the checkout, e.g. `node_modules/pino`. */
  readonly folder: string;
}

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly properties?: readonly { readonly name: string }[];
  readonly licenses?: readonly unknown[];
}

/** The parts of CycloneDX 1.5 that are read or written here. */
interface Bill {
  readonly metadata: { readonly component: Component; readonly [key: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [key: string]: unknown;
}

/**
 * Writes the bill of materials and the licenses of all packages of which files are in bundles; `paths` are from the top of the checkout.
 * @throws Error when a package names no license, or npm does not know it
 */
export function writeContents(
  paths: readonly string[],
  { bill, notices, withNode }: { readonly bill: string; readonly notices: string; readonly withNode: boolean },
): void {
  const packages = bundledPackages([...paths, ...packageFiles().map((name) => `node_modules/${name}`)]);
  writeBillOfMaterials(packages, bill, withNode);
  writeNotices(packages, notices, withNode);
}

/**
 * The packages of files in bundles; `paths` are from the top of the checkout.
 * @throws Error when one names no license
 */
function bundledPackages(paths: readonly string[]): BundledPackage[] {
  const folders = new Set(paths.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  const packages = [...folders].map((folder) => {
    const text = readFileSync(join(project, folder, 'package.json'), 'utf8');
    const { name, version, license } = JSON.parse(text) as Omit<BundledPackage, 'folder'>;
    if (typeof license !== 'string') throw new Error(`${folder}/package.json: names no license.`);
    return { name, version, license, folder };
  });
  return packages.sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/**
 * Writes what npm knows of the bundled packages and of nothing else, as a CycloneDX document that is the same for the same input.
 * `withNode` adds Node.js and the libraries in it.
 * @throws Error when npm does not know a package
 */
function writeBillOfMaterials(packages: readonly BundledPackage[], file: string, withNode: boolean): void {
  const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  const { serialNumber: _, ...bill } = JSON.parse(text) as Bill;
  const { timestamp: __, ...metadata } = bill.metadata;
  const root = { ...metadata.component, name: 'framekeeper', scope: undefined };
  const known = new Map(bill.components.map((component) => [`${component.name}@${component.version}`, component]));
  const components = packages.map(({ name, version }) => {
    const component = known.get(`${name}@${version}`);
    if (component === undefined) throw new Error(`npm does not know ${name} ${version}: run npm ci.`);
    const properties = component.properties?.filter((property) => property.name !== 'cdx:npm:package:development');
    return { ...component, scope: 'required', properties };
  });
  const refs = new Set([root['bom-ref'], ...components.map((component) => component['bom-ref'])]);
  const dependencies = bill.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  const all = withNode ? [...components, nodeComponent()] : components;
  const document = { ...bill, metadata: { ...metadata, component: root }, components: all, dependencies };
  writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`);
}

/** Node.js, with the names under which scanners look for it and for what is in it. */
function nodeComponent(): object {
  const { node, ...parts } = process.versions as Record<string, string>;
  // Versions of interfaces and of data, not of libraries.
  const others = ['modules', 'napi', 'cldr', 'tz', 'unicode'];
  return {
    'bom-ref': `node@${node}`,
    type: 'platform',
    name: 'node',
    version: node,
    cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${node}`,
    licenses: [{ license: { id: 'MIT' } }],
    components: Object.entries(parts)
      .filter(([name]) => !others.includes(name))
      .map(([name, version]) => ({
        'bom-ref': `node@${node}/${name}`,
        type: 'library',
        name,
        version,
        purl: `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
      })),
  };
}

/**
 * Writes the licenses of all bundled packages, as most of them ask for; `withNode` adds that of Node.js and the libraries in it. A package
 * without a text of it has its name.
 */
function writeNotices(packages: readonly BundledPackage[], file: string, withNode: boolean): void {
  const parts = packages.map(({ name, version, license, folder }) => {
    const texts = readdirSync(join(project, folder)).filter((entry) => /^(licen[cs]e|notice|copying)/i.test(entry));
    return [
      `${name} ${version} (${license})`,
      ...texts.map((text) => readFileSync(join(project, folder, text), 'utf8')),
    ];
  });
  if (withNode) parts.push([`Node.js ${process.versions.node}`, readFileSync(nodeLicense(), 'utf8')]);
  const line = '-'.repeat(80);
  const head = 'Framekeeper contains these packages, each under its own license.\n';
  const text = parts.map(([title, ...texts]) => `${line}\n${title}\n${line}\n\n${texts.join('\n').trim()}\n`);
  writeFileSync(file, [head, ...text].join('\n'));
}

function nodeLicense(): string {
  const [found] = globSync(join(project, 'node_modules/node/node_modules/node-*/LICENSE'));
  if (found === undefined) throw new Error('Cannot find the license of Node.js below node_modules/node: run npm ci.');
  return found;
}
