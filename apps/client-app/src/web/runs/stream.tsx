import { Component, type JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { emptyTranscript, followSource, type TranscriptBlock } from './transcript.ts';

/** Distance from the end, in CSS pixels, up to which a reader counts as being at the end. */
const nearEndPx = 12;

export interface StreamProps {
  readonly label: string;
  readonly source: string;
  readonly droppedChars: number;
  /** More may come; a report that has ended opens at its beginning. */
  readonly isLive: boolean;
}

/** Follows the end until the reader scrolls up, and again when they come back to it. */
export function Stream({ label, source, droppedChars, isLive }: StreamProps): JSX.Element {
  const words = useText();
  const pre = useRef<HTMLPreElement>(null);
  const before = useRef(emptyTranscript);
  const [isFollowing, setIsFollowing] = useState(isLive);
  const transcript = followSource(before.current, source, droppedChars);
  before.current = transcript;
  useLayoutEffect(() => {
    if (isFollowing && pre.current) pre.current.scrollTop = pre.current.scrollHeight;
  }, [source, isFollowing]);
  const look = ({ currentTarget }: { currentTarget: HTMLPreElement }): void => {
    const distance = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight;
    setIsFollowing(distance <= nearEndPx);
  };
  return (
    <figure class="stream" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and Safari gives the keyboard no other way in */}
      <pre ref={pre} tabIndex={0} onScroll={look}>
        {transcript.blocks.map((block) => (
          <Block key={block.id} block={block} />
        ))}
      </pre>
      {!isFollowing && isLive && (
        <button type="button" class="button to-end" onClick={() => setIsFollowing(true)}>
          {words.toEnd}
        </button>
      )}
    </figure>
  );
}

/**
 * Drawn once and then left alone; only the last one of a transcript changes. What nobody looks at is not even laid out (see the style sheet):
 * until it is, it is taken to be as high as its lines are when none of them is broken.
 */
class Block extends Component<{ block: TranscriptBlock }> {
  override shouldComponentUpdate(next: { block: TranscriptBlock }): boolean {
    return next.block !== this.props.block;
  }

  render({ block }: { block: TranscriptBlock }): JSX.Element {
    return (
      <div style={{ containIntrinsicBlockSize: `auto ${block.lines}lh` }}>
        {block.spans.map((span, index) =>
          span.look === undefined && !span.isError ? (
            span.text
          ) : (
            <span key={index} class={span.look} data-error={span.isError}>
              {span.text}
            </span>
          ),
        )}
      </div>
    );
  }
}
