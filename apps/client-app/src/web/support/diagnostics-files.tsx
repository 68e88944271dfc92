import type { DiagnosticsPreview } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useLanguage, useText } from '../text/language.ts';
import { sizeWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';

/** What would be sent, file by file: each with its size, and its whole text once it is opened. */
export function DiagnosticsFiles({ files }: Pick<DiagnosticsPreview, 'files'>): JSX.Element {
  const text = useText();
  const language = useLanguage();
  return (
    <ul class="parts">
      {files.map((file) => (
        <li key={file.name}>
          <details>
            <summary>
              <Icon name="chevron-down" />
              <span>{file.name}</span>
              <span class="dim">{sizeWords(file.size_bytes, language)}</span>
            </summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and Safari gives the keyboard no other way in */}
            <pre class="log" tabIndex={0}>
              {file.text === '' ? text.diagnosticsEmpty : file.text}
            </pre>
          </details>
        </li>
      ))}
    </ul>
  );
}
