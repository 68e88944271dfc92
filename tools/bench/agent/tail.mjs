/**
 * Watching: ms from the moment at which a job writes a line to the moment at which an operator's program prints it, and what an agent
 * takes for a job that prints while nobody watches, against one that is silent: time on a processor, and messages to the broker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { executable } from '../cli/setup.mjs';
import { report } from '../report.mjs';
import { numberOption, percentile, rounded } from '../runner/setup.mjs';
import { openOperator, processorMsOf, withFleet } from './setup.mjs';

const [lines, warmUps, lookMs] = [numberOption('lines', 300), 20, numberOption('seconds', 20) * 1000];
/** About twenty lines a second, each with the time at which it is written. */
const chatty = 'while :; do date +%s.%N; sleep 0.05; done';

/** Latencies of the next lines that a follower prints, in ms. */
function nextLatencies(follower) {
  return new Promise((resolve) => {
    const found = [];
    let text = '';
    let isCaughtUp = false;
    follower.stdout.on('data', (chunk) => {
      const nowMs = Date.now();
      text += chunk;
      const told = text.split('\n');
      text = told.pop();
      for (const line of told) {
        const event = JSON.parse(line);
        if (event.type !== 'output') continue;
        // What was written before anybody watched comes first, in one piece.
        if (!isCaughtUp) {
          isCaughtUp = true;
          continue;
        }
        // Of a piece with several lines each is counted: the first has waited for the others.
        for (const written of event.text.split('\n').filter(Boolean)) found.push(nowMs - Number(written) * 1000);
      }
      if (found.length >= warmUps + lines) resolve(found.slice(warmUps, warmUps + lines));
    });
  });
}

await withFleet(async (fleet) => {
  const operator = await openOperator(fleet.server);
  const sides = { chatty: await fleet.startAgent('chatty'), silent: await fleet.startAgent('silent') };
  const order = operator.order('chatty', chatty);
  operator.order('silent', 'exec sleep 3600');
  await sleep(3000); // what a start leaves to do is done by then
  let messages = 0;
  operator.connection.subscribe('>', { callback: () => void messages++ });
  await operator.connection.flush();
  const before = { chatty: processorMsOf(sides.chatty), silent: processorMsOf(sides.silent) };
  await sleep(lookMs);
  const unwatched = rounded(processorMsOf(sides.chatty) - before.chatty);
  const silent = rounded(processorMsOf(sides.silent) - before.silent);
  const heard = messages;
  const words = ['fleet', 'tail', order.requestId, '--pc', 'chatty', '--follow', '--json'];
  const env = { ...process.env, KANADE_NATS_URL: fleet.server };
  const follower = fleet.start([...executable, ...words], { env });
  const watchedFrom = processorMsOf(sides.chatty);
  const startedMs = performance.now();
  const latencies = await nextLatencies(follower);
  const watched = ((processorMsOf(sides.chatty) - watchedFrom) / (performance.now() - startedMs)) * lookMs;
  report({
    bench: 'agent:tail',
    unit: 'ms from a line in the log to the output of the operator, median',
    value: rounded(percentile(latencies, 0.5)),
    p99: rounded(percentile(latencies, 0.99)),
    goal: { p50: 150, messagesUnwatched: 'heartbeats alone' },
    lines,
    agentMs: { seconds: lookMs / 1000, unwatched, silent, watched: rounded(watched) },
    messagesUnwatched: heard,
    runtime: 'executable',
  });
  await operator.close();
});
