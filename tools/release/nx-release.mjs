/**
 * Runs inside the clone of a release, whose root Nx takes for the workspace: gives the plans of the release to `nx release`,
 * which writes versions and changelogs. `node nx-release.mjs PLANS.json`
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { releaseChangelog, releaseVersion } from 'nx/release';

const plans = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const folder = '.nx/version-plans';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [at, { bumps, change }] of plans.entries()) {
  const front = Object.entries(bumps).map(([project, bump]) => `'${project}': ${bump}`);
  // Nx lists plans as the directory does: numbers keep them in the order of the commits.
  const file = `${folder}/${String(at).padStart(5, '0')}.md`;
  writeFileSync(file, ['---', ...front, '---', '', JSON.stringify(change)].join('\n'));
}
const nothing = { gitCommit: false, gitTag: false, gitPush: false, stageChanges: false };
const { projectsVersionData, releaseGraph } = await releaseVersion(nothing);
await releaseChangelog({ ...nothing, versionData: projectsVersionData, releaseGraph });
rmSync(folder, { recursive: true, force: true });
