import { useEffect, useState } from 'preact/hooks';

/** Longest wait of a timer, in ms: after a sleep of the machine the page is right again this soon. */
const waitMaxMs = 60_000;

/** The time in ms since 1970, anew whenever one of `timesMs` has passed; without one ahead no timer runs. */
export function useNow(timesMs: readonly number[]): number {
  const [nowMs, setNowMs] = useState(Date.now);
  const next = Math.min(...timesMs.filter((time) => time > nowMs));
  useEffect(() => {
    if (next === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(() => setNowMs(Date.now()), Math.min(Math.max(next - Date.now(), 1), waitMaxMs));
    return () => clearTimeout(timer);
  }, [next, nowMs]);
  return nowMs;
}

/** The time in ms since 1970, every second while `isRunning`. */
export function useSeconds(isRunning: boolean): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (!isRunning) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return nowMs;
}
