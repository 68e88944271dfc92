import { stripFences } from '@kanade/shared/fleet-words';
import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Output } from '../../run/output.ts';
import type { RunView } from '../../run/runs.ts';
import { copyText, saveText } from '../api/take-away.ts';
import type { Dictionary } from '../text/en.ts';
import { type Language, useLanguage, useText } from '../text/language.ts';
import { CopyButton } from '../view/copy-button.tsx';
import { Icon } from '../view/icon.tsx';
import { Stream } from './stream.tsx';
import { plainText } from './transcript.ts';
import { type AskOutput, readWholeOutput } from './whole-output.ts';

export interface RunOutputProps {
  readonly run: RunView;
  readonly name: string;
  readonly onRead: AskOutput;
}

/** What a run printed, without the blocks meant for the machine. */
export function RunOutput({ run, name, onRead }: RunOutputProps): JSX.Element {
  const text = useText();
  const place = useRef<HTMLDivElement>(null);
  const out = useShown(run.stdout);
  const err = useShown(run.stderr);
  const isLive = !isEnded(run.status);
  if (out === '' && err === '') return <p class="no-output dim">{isLive ? text.noOutputYet : text.noOutput}</p>;
  const whole = (): string => plainText([out, err].filter((part) => part !== '').join('\n'));
  return (
    <div ref={place}>
      <div class="output-tools">
        <CopyButton onCopy={() => copyText(whole())} />
        <SaveButton run={run} kept={whole} onRead={onRead} />
        {(err !== '' || run.status === 'failed') && (
          <button type="button" class="button quiet" onClick={() => place.current && showError(place.current)}>
            <Icon name="alert-triangle" />
            {text.toError}
          </button>
        )}
      </div>
      <Dropped output={run.stdout} />
      {out !== '' && (
        <Stream label={`${text.output}: ${name}`} source={out} droppedChars={run.stdout.droppedChars} isLive={isLive} />
      )}
      {err !== '' && <p class="stream-title">{text.errorOutput}</p>}
      <Dropped output={run.stderr} />
      {err !== '' && (
        <Stream
          label={`${text.errorOutput}: ${name}`}
          source={err}
          droppedChars={run.stderr.droppedChars}
          isLive={isLive}
        />
      )}
    </div>
  );
}

/** Saves all that it printed, from the disk of the machine; where that cannot be had, what is kept here. */
function SaveButton({ run, kept, onRead }: { run: RunView; kept: () => string; onRead: AskOutput }): JSX.Element {
  const text = useText();
  const language = useLanguage();
  const [isReading, setIsReading] = useState(false);
  const droppedChars = run.stdout.droppedChars + run.stderr.droppedChars;
  const save = async (): Promise<void> => {
    if (isReading) return;
    setIsReading(true);
    const parts = await readWholeOutput(onRead, run.run_id).catch(() =>
      droppedChars === 0 ? [kept()] : [`[${droppedWords(droppedChars, text, language)}]\n`, kept()],
    );
    setIsReading(false);
    saveText(parts, `${run.job_id ?? run.run_id}.txt`);
  };
  // `aria-disabled`: a long output takes its time, and the keyboard stays where it is.
  return (
    <button type="button" class="button quiet" aria-disabled={isReading} onClick={save}>
      <Icon name="download" />
      {isReading ? text.downloading : text.download}
    </button>
  );
}

const droppedWords = (droppedChars: number, text: Dictionary, language: Language): string =>
  text.droppedChars(new Intl.NumberFormat(language).format(droppedChars));

function useShown({ text, droppedChars }: Output): string {
  return useMemo(() => stripFences(text, { headDropped: droppedChars > 0 }), [text, droppedChars]);
}

function Dropped({ output }: { output: Output }): JSX.Element | null {
  const text = useText();
  const language = useLanguage();
  if (output.droppedChars === 0) return null;
  return <p class="dropped dim">{`${droppedWords(output.droppedChars, text, language)} ${text.keptPart}`}</p>;
}

/** The first line of the error output, or else the last place in the output that speaks of an error, or its end. */
function showError(place: HTMLElement): void {
  const streams = place.querySelectorAll<HTMLElement>('pre');
  const last = streams[streams.length - 1];
  if (!last) return;
  const found = streams.length > 1 ? last.firstElementChild : [...last.querySelectorAll('[data-error]')].at(-1);
  (found ?? last.lastElementChild)?.scrollIntoView({ block: found ? 'start' : 'end' });
  last.focus({ preventScroll: true });
}
