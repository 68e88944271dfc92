// Makes the file that is kept of a release, so that every later version is seen to open it: `keep-state.ts <path>`.
import { openDurable } from '@kanade/durable';
import { lend, library } from '../library.ts';

const [, , path = ''] = process.argv;

await using durable = openDurable({ path, parts: library });
for (let index = 0; index < 25; index++) durable.transact((tx) => lend(tx, index));
