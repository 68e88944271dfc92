/** Answers who reads the agent's own log. */
import { LogsFetchRequest, logHeaders, logsFetchDefaults, readAs, withDefaults } from '@kanade/shared/fleet';
import type { LogPart, LogReader } from '../config/log-file.ts';
import { limits } from '../limits.ts';
import { type AnswerQuestion, createHeld, readQuestion } from './question.ts';

/** Answers a question on `logs.fetch.<pc_id>`: raw text, its place in headers. */
export function createLogAnswer({ agentLog, signal }: { agentLog: LogReader; signal: AbortSignal }): AnswerQuestion {
  const held = createHeld(signal);
  return async (data, answerBytesMax) => {
    const question = readQuestion(data, (value) => readAs(LogsFetchRequest, value));
    if (!question.ok) return { body: '', headers: { [logHeaders.error]: question.error } };
    const { tail_lines, after, wait_ms } = withDefaults(question.value, logsFetchDefaults);
    const bytesMax = Math.min(limits.logAnswerBytesMax, answerBytesMax);
    if (typeof after !== 'string') return answerOf(agentLog.last(tail_lines, bytesMax));
    const look = (): LogPart => agentLog.since(after, bytesMax);
    const first = look();
    if (wait_ms === 0 || first.text !== '' || first.hasGap) return answerOf(first);
    using lines = nextLines(agentLog);
    const part = await held(wait_ms, lines.next, () => {
      const next = look();
      return next.text !== '' || next.hasGap ? next : undefined;
    });
    return answerOf(part ?? look());
  };
}

const answerOf = ({ text, position, hasGap }: LogPart) => ({
  body: text,
  headers: { [logHeaders.position]: position, ...(hasGap ? { [logHeaders.gap]: 'true' } : {}) },
});

/** Tells when there is a new line. */
function nextLines(agentLog: LogReader) {
  let woken = Promise.withResolvers<void>();
  const unwatch = agentLog.onLine(() => woken.resolve());
  return {
    async next(waitMs: number): Promise<void> {
      const timer = setTimeout(() => woken.resolve(), waitMs);
      await woken.promise;
      clearTimeout(timer);
      woken = Promise.withResolvers();
    },
    [Symbol.dispose]: (): void => void unwatch(),
  };
}
