/** Output of a job, or of many, for people. */
import { type Paint, visible } from './ink.ts';
import type { Told } from './told.ts';

/** What was printed, below all else: of a job, or of each machine. */
export function printedOf(told: Told, paint: Paint, isScreen: boolean): string {
  const isOfFleet = String(told.type).startsWith('fleet.');
  const results = isOfFleet && Array.isArray(told.results) ? (told.results as Told[]) : [];
  const show =
    isOfFleet && isScreen
      ? (text: string): string => visible(text.replaceAll('\r\n', '\n'))
      : (text: string): string => text;
  const streamsOf = (one: Told, before: string): string =>
    (['stdout', 'stderr'] as const)
      .map((name) => {
        const view = one.compression as Told | undefined;
        const text = view?.applied === true ? view[name] : one[name];
        if (typeof text !== 'string' || text === '') return '';
        const note = view?.applied === true ? ` (shorter view, ${view.detected_kind})` : '';
        return `${paint(`--- ${before}${name}${note}`, 'dim')}\n${show(text).replace(/\n?$/, '\n')}`;
      })
      .join('');
  const many = results.map((result) => streamsOf(result, results.length > 1 ? `${result.pc_id} ` : ''));
  return `${streamsOf(told, '')}${many.join('')}`;
}
