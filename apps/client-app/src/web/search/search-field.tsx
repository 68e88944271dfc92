import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { Icon } from '../view/icon.tsx';

export interface SearchFieldProps {
  readonly query: string;
  readonly onQuery: (query: string) => void;
}

/** `/` leads here from anywhere, Escape empties it, the arrow down leads to what was found. */
export function SearchField({ query, onQuery }: SearchFieldProps): JSX.Element {
  const text = useText();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  const steer = (event: KeyboardEvent): void => {
    // These keys choose among the words of an input method while there are any.
    if (event.isComposing) return;
    if (event.key === 'Escape') onQuery('');
    if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    document.querySelector<HTMLElement>('#content .jobs button:enabled')?.focus();
  };
  return (
    <search class="search">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        value={query}
        maxLength={100}
        placeholder={text.searchHint}
        aria-label={text.search}
        aria-keyshortcuts="/"
        onInput={({ currentTarget }) => onQuery(currentTarget.value)}
        onKeyDown={steer}
      />
    </search>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches('input, textarea, select') || target.isContentEditable);
}
