export { eventually, patienceMs } from './eventually.ts';
export { tempDir } from './temp-dir.ts';
