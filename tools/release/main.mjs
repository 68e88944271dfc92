/**
 * `pnpm release`: from the commits since the last tags to versions, changelogs, one commit, tags and everything that people take,
 * in `release/<product version>`. Nothing leaves the machine unless it is told to: `--push` and `--publish`. Whatever it dies of,
 * it is run again and goes on. Progress goes to standard error, what came of it to standard output, as one JSON line.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { takeLock } from '@kanade/durable/lock';
import { fail, root, say } from '../toolchain.mjs';
import { ReleaseFault } from './fault.mjs';
import { release } from './run.mjs';

const usage = `pnpm release [options]
  --dry-run             say what would be released, and change nothing
  --push REMOTE         push the commit and the tags
  --publish REGISTRY    publish the packages to an npm registry; needs --push
  --at TAG              make the artefacts of an earlier release again; no new release
  --key FILE            sign what machines are to believe with this release key (<keyid>.pem)
  --kind KIND           make only npm, executable, deb, rpm, tarball or sbom
  --platform NAME       make it only for linux-x64, linux-arm64, linux-x64-musl, darwin-arm64 or windows-x64
  --quick               less effort on the size of packages, for rehearsals
--key, --kind and --platform can be given several times.`;

function optionsOf(words) {
  const text = { type: 'string' };
  const several = { type: 'string', multiple: true };
  const options = {
    ...{ 'dry-run': { type: 'boolean', default: false }, push: text, publish: text, at: text },
    ...{ key: several, kind: several, platform: several },
    ...{ quick: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  };
  try {
    const { values } = parseArgs({ args: words.filter((word) => word !== '--'), options });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (values.publish && !values.push) throw new Error('--publish needs --push: what npm gets must be found in git');
    if (values.at && values['dry-run']) throw new Error('--at makes artefacts again: there is nothing to rehearse');
    return values;
  } catch (error) {
    return fail(`${error.message}\n${usage}`, 2);
  }
}

try {
  const options = optionsOf(process.argv.slice(2));
  const folder = join(root, 'release');
  mkdirSync(folder, { recursive: true });
  const lock = takeLock(join(folder, '.lock'));
  if (lock.kind !== 'held')
    throw new ReleaseFault('release_running', 'another release is being made in this checkout: wait for its end');
  console.log(JSON.stringify(await release(root, folder, options, say)));
} catch (error) {
  if (!(error instanceof ReleaseFault)) throw error;
  fail(`release: ${error.message} (${error.code})`);
}
