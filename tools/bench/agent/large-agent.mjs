/**
 * `large-agent.mjs MODULE ARGS…`: an agent of a module on Node that is asked by message: `reset` begins to measure, `read` tells the
 * longest stall of its event loop since then in ms, and how much of a processor one turn of it took at most (which other programs do
 * not lengthen), its processor time in all, its highest resident MB, and the bytes that it has had written.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const [modulePath, ...args] = process.argv.slice(2);
const { main } = await import(modulePath);
const delay = monitorEventLoopDelay({ resolution: 1 });
let [mostMB, turnMs, beforeMs] = [0, 0, 0];
const threadMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
setInterval(() => {
  const nowMs = threadMs();
  turnMs = Math.max(turnMs, nowMs - beforeMs);
  beforeMs = nowMs;
}, 1).unref();
setInterval(() => {
  mostMB = Math.max(mostMB, process.memoryUsage.rss() / 1e6);
}, 20).unref();

process.on('message', (asked) => {
  if (asked === 'reset') {
    [mostMB, turnMs, beforeMs] = [0, 0, threadMs()];
    delay.reset();
    delay.enable();
    process.send({ kind: 'reset' });
    return;
  }
  delay.disable();
  const written = Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  const { user, system } = process.cpuUsage();
  process.send({
    kind: 'read',
    stallMs: delay.max / 1e6,
    turnMs,
    processorMs: (user + system) / 1000,
    mostMB,
    written,
  });
});

const io = {
  env: process.env,
  signal: new AbortController().signal,
  stdout: () => process.send({ kind: 'ready' }),
  stderr: (line) => process.stderr.write(line),
};
process.exitCode = await main(args, io);
