// `lend-books.ts <path> <first> <count>` opens a library and lends books one after the other, each in one commit; it goes on after
// a failure, opening again when the opening failed. One line per step: `t <n>` about to, `a <n>` on disk, `f <n> <code>` refused.
import { writeSync } from 'node:fs';
import { type Durable, DurableError, openDurable } from '@kanade/durable';
import { lend, library } from '../library.ts';

const [, , path = '', first = '0', count = '0'] = process.argv;
const say = (line: string) => writeSync(1, `${line}\n`);

function open(): Durable {
  for (let attempt = 0; ; attempt++) {
    try {
      return openDurable({ path, parts: library });
    } catch (error) {
      if (!(error instanceof DurableError) || attempt === 3) throw error;
      say(`f open ${error.code}`);
    }
  }
}

const durable = open();
say('open');
for (let index = Number(first); index < Number(first) + Number(count); index++) {
  say(`t ${index}`);
  try {
    durable.transact((tx) => lend(tx, index), { addsBytes: 1_000 });
    say(`a ${index}`);
  } catch (error) {
    if (!(error instanceof DurableError)) throw error;
    say(`f ${index} ${error.code}`);
  }
}
await durable[Symbol.asyncDispose]();
say('closed');
