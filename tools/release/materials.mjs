/** The bill of materials (CycloneDX): what is inside of the executables, as the lockfile pinned it. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './clone.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Taken in at build time, so no dependency in production: the page's framework, and the runtime that is half of each file. */
function builtIn(clone) {
  const preact = readJson(join(clone, 'apps/client-app/node_modules/preact/package.json'));
  const bun = readJson(join(clone, 'package.json')).optionalDependencies['@oven/bun-linux-x64'];
  return [
    { name: 'preact', version: preact.version, license: preact.license },
    { name: 'bun', version: bun, license: 'MIT' },
  ].map(({ name, version, license }) => ({
    ...{ type: 'library', name, version, purl: `pkg:npm/${name}@${version}`, 'bom-ref': `pkg:npm/${name}@${version}` },
    licenses: [{ license: { id: license } }],
  }));
}

/** Found on the machine where it is, and never inside of an executable: `--external` of `apps/kanade/build/executable.mjs`. With its parts for each platform. */
const isOutside = (ref) => /^pkg:npm\/(?:koffi|(?:@|%40)koromix\/koffi-[^@]+)@/.test(ref);

/** A UUID made of a hash: the same content has the same serial number. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** Writes the bill of the product into a folder; resolves with the name of the file. Nothing in it depends on when it was made. */
export async function writeBillOfMaterials({ clone, part, version, commit, seconds }) {
  const words = ['--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--sbom-type', 'application', '--prod'];
  const bill = JSON.parse(await run(clone, 'pnpm', ['sbom', ...words, '--filter', 'kanade']));
  const root = bill.metadata.component['bom-ref'];
  const added = builtIn(clone);
  bill.components = [...bill.components.filter(({ purl }) => !isOutside(purl)), ...added];
  bill.components.sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const there = new Set([root, ...bill.components.map((component) => component['bom-ref'])]);
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => there.has(ref))
    .map((entry) => ({ ...entry, dependsOn: entry.dependsOn?.filter((ref) => there.has(ref)) }));
  bill.dependencies.find(({ ref }) => ref === root)?.dependsOn.push(...added.map((component) => component['bom-ref']));
  bill.metadata.timestamp = new Date(seconds * 1000).toISOString();
  bill.serialNumber = `urn:uuid:${uuidOf(`${commit} ${JSON.stringify(bill.components)}`)}`;
  const name = `kanade-${version}.cdx.json`;
  writeFileSync(join(part, name), `${JSON.stringify(bill, null, 2)}\n`);
  return name;
}
