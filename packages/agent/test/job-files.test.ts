import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { openCatalogue } from '../src/local/catalogue.ts';
import { jobYaml } from './agent-process.ts';

const stranger = 12_345;
const isRoot = process.getuid?.() === 0;

async function openFiles() {
  const temp = await tempDir();
  onTestFinished(() => temp[Symbol.asyncDispose]());
  const dir = join(temp.path, 'jobs');
  const file = join(dir, 'job.yaml');
  mkdirSync(dir);
  writeFileSync(file, jobYaml({ id: 'job', script: 'true' }));
  const said: string[] = [];
  const log = createLogger('warn', (line) => void said.push(line));
  const open = () => {
    const view = { manifest: () => undefined, manifests: () => [] };
    const catalogue = openCatalogue({ dir, view, refresh: async () => undefined, onChange: () => undefined, log });
    onTestFinished(() => catalogue[Symbol.dispose]());
    return catalogue;
  };
  return { dir, file, open, said };
}

describe('job files', () => {
  it.each<[what: string, isOfRoot: boolean, spoil: (file: string) => void, fault: string]>([
    ['that everybody can write', false, (file) => chmodSync(file, 0o666), 'can be written by others (mode 666)'],
    ['of another user', true, (file) => chownSync(file, stranger, stranger), 'belongs to user 12345'],
  ])('%s are no jobs until that is mended', async (_, isOfRoot, spoil, fault) => {
    if (isOfRoot && !isRoot) return; // only root can give a file away
    const { file, open, said } = await openFiles();
    spoil(file);
    const catalogue = open();
    expect(catalogue.list()).toEqual([]);
    expect(said.join('')).toContain(`job.yaml ${fault}`);
    chmodSync(file, 0o644);
    if (isOfRoot) chownSync(file, 0, 0);
    expect(await catalogue.fresh('job')).toMatchObject({ id: 'job' });
    spoil(file);
    expect(await catalogue.fresh('job')).toBeUndefined();
  });

  it('in a directory that others can write keep the agent from starting, and are jobs no more when that changes later', async () => {
    const { dir, open, said } = await openFiles();
    chmodSync(dir, 0o777);
    expect(open).toThrow(expect.objectContaining({ code: 'jobs_dir_unusable' }));
    chmodSync(dir, 0o755);
    const catalogue = open();
    expect(catalogue.list()).toMatchObject([{ id: 'job' }]);
    chmodSync(dir, 0o777);
    expect(await catalogue.fresh('job')).toBeUndefined();
    expect(catalogue.list()).toEqual([]);
    expect(said.join('')).toContain('jobs can be written by others (mode 777)');
  });
});
