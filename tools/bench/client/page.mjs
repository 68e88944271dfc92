/**
 * The Client App as people feel it, through the programs that ship and a real browser: `client:view` from the address to the first view,
 * `client:click` from a click on Run to the first line of output, `client:flood` a job that prints, and `client:memory` the server at rest.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { buildPage } from '../../../apps/client-app/build-page.mjs';
import { launchBrowser } from '../../../packages/testkit/src/browser.ts';
import { executable } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';
import { numberOption } from '../runner/setup.mjs';

const jobs = {
  hello: 'echo hello',
  flood:
    'for s in 1 2 3 4 5 6 7 8 9 10; do seq -f "line %g of a flood that goes on and on" 1000; sleep 1; done; echo flood-end',
  large:
    'yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 20000000; echo; echo large-end',
};

/** An agent with the jobs above, the Client App on it, and what they weigh. */
async function withClient(work) {
  const home = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
  mkdirSync(join(home, 'jobs'));
  for (const [id, script] of Object.entries(jobs)) {
    const manifest = { id, version: '1.0.0', execute: { shell: 'sh', timeout: '60s', script } };
    const client = { name: id, category: 'catalog', confirm: false };
    writeFileSync(join(home, 'jobs', `${id}.yaml`), JSON.stringify({ ...manifest, client }));
  }
  const children = [];
  const start = async (words, ready) => {
    const child = spawn(executable[0], words, { cwd: home, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    let said = '';
    for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      said += text;
      const found = ready.exec(said);
      if (found) return { pid: child.pid, found: found[0] };
    }
    throw new Error(`${words.join(' ')} ended: ${said}`);
  };
  const socket = join(home, 's');
  const own = ['--id', 'bench', '--data-dir', join(home, 'data'), '--socket', socket, '--jobs', join(home, 'jobs')];
  try {
    const agent = await start(['agent', ...own, '--allow-own-user', '--log-level', 'warn'], /agent\.ready/);
    const client = await start(['client', '--socket', socket], /http:\S+/);
    return await work({ agentPid: agent.pid, clientPid: client.pid, address: client.found });
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await sleep(500);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Resident and anonymous MB of a process. */
function weigh(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name) => Math.round(Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1]) / 100) / 10;
  return { resident: mb('Rss'), anonymous: mb('Anonymous') };
}

/** Notes in the page when the first view stands, tasks over 50 ms, and frames that came late. */
const watch = () => {
  globalThis.seen = { viewMs: undefined, tasks: [], lateFrames: 0, frames: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.seen.tasks.push(duration);
  }).observe({ type: 'longtask', buffered: true });
  let lastMs;
  const frame = (nowMs) => {
    if (document.getElementById('view-title')) globalThis.seen.viewMs ??= performance.now();
    if (lastMs !== undefined) {
      globalThis.seen.frames += 1;
      globalThis.seen.lateFrames += Math.max(0, Math.round((nowMs - lastMs) / (1000 / 60)) - 1);
    }
    lastMs = nowMs;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};

async function openPage(browser, address) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  await page.addInitScript(watch);
  await page.goto(address);
  await page.locator('#view-title').waitFor();
  return page;
}

/** ms from the click on Run to the first line of its output, as the page itself sees them. */
async function clickToOutput(page) {
  const ended = await page.locator('.run.completed').count();
  const tookMs = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const button = document.querySelector('[aria-label="Run hello"]');
        const before = document.querySelectorAll('.run').length;
        const begunMs = performance.now();
        const look = () => {
          const runs = document.querySelectorAll('.run');
          if (runs.length > before && runs[0].querySelector('pre')) return resolve(performance.now() - begunMs);
          setTimeout(look, 1);
        };
        button.click();
        look();
      }),
  );
  await page.locator('.run.completed').nth(Math.min(ended, 28)).waitFor();
  await page.locator('[aria-label="Run hello"]').waitFor();
  return tookMs;
}

const measures = {
  async 'client:view'({ browser, address }) {
    const page = await openPage(browser, address);
    const times = [];
    for (let round = 0; round < numberOption('rounds', 7); round++) {
      await page.reload();
      await page.locator('#view-title').waitFor();
      await page.waitForFunction(() => globalThis.seen.viewMs !== undefined);
      times.push(await page.evaluate(() => globalThis.seen.viewMs));
    }
    const built = await buildPage();
    const kB = (text) => Math.round(gzipSync(text).length / 100) / 10;
    const sizes = { jsKB: kB(built.js), cssKB: kB(built.css) };
    return { unit: 'ms to the first view', value: median(times), goal: { ms: 400, jsKB: 60 }, ...sizes };
  },
  async 'client:click'({ browser, address }) {
    const page = await openPage(browser, address);
    await page
      .getByRole('link', { name: /Catalogue/ })
      .first()
      .click();
    await page.locator('[aria-label="Run hello"]').waitFor();
    const times = [];
    for (let round = 0; round < numberOption('rounds', 25); round++) times.push(await clickToOutput(page));
    return { unit: 'ms from click to first output, p50', value: median(times), goal: { ms: 120 } };
  },
  async 'client:flood'({ browser, address, agentPid, clientPid }) {
    const page = await openPage(browser, address);
    await page
      .getByRole('link', { name: /Catalogue/ })
      .first()
      .click();
    const seen = {};
    for (const [job, end] of [
      ['flood', 'flood-end'],
      ['large', 'large-end'],
    ]) {
      await page.evaluate(() => Object.assign(globalThis.seen, { tasks: [], lateFrames: 0, frames: 0 }));
      await page.locator(`[aria-label="Run ${job}"]`).click();
      await page.locator('.run').first().getByText(end).last().waitFor({ timeout: 60_000 });
      const { tasks, lateFrames, frames } = await page.evaluate(() => globalThis.seen);
      seen[job] = { longestTaskMs: Math.round(Math.max(0, ...tasks)), lateFrames, frames };
    }
    const memory = { agent: weigh(agentPid), client: weigh(clientPid) };
    return { unit: 'ms, longest task over 20 MB', value: seen.large.longestTaskMs, goal: { ms: 100 }, seen, memory };
  },
  async 'client:memory'({ browser, address, clientPid }) {
    const page = await openPage(browser, address);
    // Before that it still has what its start needed, page or not: 15 s after it began it gives that back.
    await sleep(20_000);
    const open = weigh(clientPid);
    await page.close();
    await sleep(numberOption('rest', 30) * 1000);
    const rest = weigh(clientPid);
    return { unit: 'MB resident, nobody looking', value: rest.resident, goal: { MB: 45 }, rest, open };
  },
};

const name = process.argv[2];
await withClient(async (programs) => {
  const browser = await launchBrowser();
  try {
    const { goal, value, ...rest } = await measures[name]({ browser, ...programs });
    const [peerValue] = Object.values(goal);
    report({ bench: name, value, peer: 'the goal', peerValue, goal, ...rest });
  } finally {
    await browser.close();
  }
});
