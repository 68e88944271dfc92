import { stripFences } from '@kanade/shared/fleet-words';
import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Output, RunView } from '../../run/board.ts';
import { useLanguage, useText } from '../text/language.ts';

/** What a run printed, without the blocks meant for the machine. */
export function RunOutput({ run, name }: { run: RunView; name: string }): JSX.Element {
  const text = useText();
  const out = shownText(run.stdout);
  const err = shownText(run.stderr);
  if (out === '' && err === '')
    return <p class="no-output dim">{isEnded(run.status) ? text.noOutput : text.noOutputYet}</p>;
  return (
    <>
      {out !== '' && <Stream label={`${text.output}: ${name}`} text={out} output={run.stdout} />}
      {err !== '' && <p class="stream-title">{text.errorOutput}</p>}
      {err !== '' && <Stream label={`${text.errorOutput}: ${name}`} text={err} output={run.stderr} />}
    </>
  );
}

function shownText(output: Output): string {
  return stripFences(output.text, { headDropped: output.droppedChars > 0 });
}

/** Distance from the end, in CSS pixels, up to which a reader counts as being at the end. */
const nearEndPx = 12;

/** Follows the end until the reader scrolls up, and again when they come back to it. */
function Stream({ label, text, output }: { label: string; text: string; output: Output }): JSX.Element {
  const words = useText();
  const language = useLanguage();
  const pre = useRef<HTMLPreElement>(null);
  const [isFollowing, setIsFollowing] = useState(true);
  useLayoutEffect(() => {
    if (isFollowing && pre.current) pre.current.scrollTop = pre.current.scrollHeight;
  }, [text, isFollowing]);
  const look = ({ currentTarget }: { currentTarget: HTMLPreElement }): void => {
    const distance = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight;
    setIsFollowing(distance <= nearEndPx);
  };
  return (
    <section class="stream" aria-label={label}>
      {output.droppedChars > 0 && (
        <p class="dropped dim">{words.droppedChars(new Intl.NumberFormat(language).format(output.droppedChars))}</p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and Safari gives the keyboard no other way in */}
      <pre ref={pre} tabIndex={0} onScroll={look}>
        {text}
      </pre>
      {!isFollowing && (
        <button type="button" class="button to-end" onClick={() => setIsFollowing(true)}>
          {words.toEnd}
        </button>
      )}
    </section>
  );
}
