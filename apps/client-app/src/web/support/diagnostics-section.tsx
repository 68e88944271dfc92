import type { DiagnosticsPreview, DiagnosticsResult } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DiagnosticsWords } from '../../wire/page-event.ts';
import { saveText } from '../api/take-away.ts';
import type { PageFailure } from '../state/page-failure.ts';
import type { Dictionary } from '../text/en.ts';
import { useLanguage, useText } from '../text/language.ts';
import { failureWords, sizeWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';
import { DiagnosticsFiles } from './diagnostics-files.tsx';

export interface DiagnosticsActions {
  /** Resolves to what would be sent, or to why it could not be made. */
  readonly onPreview: (words: DiagnosticsWords) => Promise<DiagnosticsPreview | PageFailure>;
  /** Resolves to where it is, or to why it could not be sent. */
  readonly onSend: (preview: string) => Promise<DiagnosticsResult | PageFailure>;
}

type Stage =
  | { readonly kind: 'asking' }
  | { readonly kind: 'shown'; readonly shown: DiagnosticsPreview }
  | { readonly kind: 'sent'; readonly result: DiagnosticsResult };

const noWords: DiagnosticsWords = { summary: '', detail: '', contact: '' };

/** Help from afar: what would be sent is shown first, whole; only what was shown is sent. */
export function DiagnosticsSection({ isReady, ...actions }: DiagnosticsActions & { isReady: boolean }): JSX.Element {
  const text = useText();
  const [words, setWords] = useState(noWords);
  const [stage, setStage] = useState<Stage>({ kind: 'asking' });
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<PageFailure>();
  const attempt = async <T extends object>(
    asked: Promise<T | PageFailure>,
    next: (made: T) => Stage,
  ): Promise<void> => {
    if (isBusy) return;
    setIsBusy(true);
    const answered = await asked;
    setIsBusy(false);
    const failed = 'message' in answered && 'code' in answered ? (answered as PageFailure) : undefined;
    setFailure(failed);
    if (failed?.code === 'not_found') setStage({ kind: 'asking' });
    if (!failed) setStage(next(answered as T));
  };
  const begin = (): void => {
    setWords(noWords);
    setStage({ kind: 'asking' });
  };
  return (
    <section class="panel" aria-labelledby="diagnostics">
      <h3 id="diagnostics">
        <Icon name="life-buoy" />
        {text.diagnostics}
      </h3>
      <p class="dim">{text.diagnosticsText}</p>
      {stage.kind === 'asking' && (
        <WordsForm
          words={words}
          isReady={isReady && !isBusy}
          onWords={setWords}
          onShow={() => attempt(actions.onPreview(words), (shown) => ({ kind: 'shown', shown }))}
        />
      )}
      {stage.kind === 'shown' && (
        <Shown
          shown={stage.shown}
          isReady={isReady && !isBusy}
          onSend={() => attempt(actions.onSend(stage.shown.preview), (result) => ({ kind: 'sent', result }))}
          onBack={() => setStage({ kind: 'asking' })}
        />
      )}
      {stage.kind === 'sent' && <Sent result={stage.result} onAgain={begin} />}
      {failure && (
        <p class="field-failure" role="alert">
          {diagnosticsFailure(failure, text)}
        </p>
      )}
    </section>
  );
}

function diagnosticsFailure(failure: PageFailure, text: Dictionary): string {
  const known: Record<string, string> = {
    offline: text.diagnosticsNowhere,
    not_found: text.diagnosticsOver,
    too_many: text.diagnosticsTooMany,
  };
  return known[failure.code] ?? failureWords(failure, text);
}

interface WordsFormProps {
  readonly words: DiagnosticsWords;
  readonly isReady: boolean;
  readonly onWords: (words: DiagnosticsWords) => void;
  readonly onShow: () => void;
}

function WordsForm({ words, isReady, onWords, onShow }: WordsFormProps): JSX.Element {
  const text = useText();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isReady) onShow();
  };
  return (
    <form class="words-form" onSubmit={submit}>
      <label for="diagnostics-summary">{text.diagnosticsSummary}</label>
      <input
        id="diagnostics-summary"
        type="text"
        maxLength={150}
        value={words.summary}
        onInput={({ currentTarget }) => onWords({ ...words, summary: currentTarget.value })}
      />
      <label for="diagnostics-detail">{text.diagnosticsDetail}</label>
      <textarea
        id="diagnostics-detail"
        rows={3}
        maxLength={4000}
        value={words.detail}
        onInput={({ currentTarget }) => onWords({ ...words, detail: currentTarget.value })}
      />
      <label for="diagnostics-contact">{text.diagnosticsContact}</label>
      <input
        id="diagnostics-contact"
        type="text"
        maxLength={150}
        value={words.contact}
        onInput={({ currentTarget }) => onWords({ ...words, contact: currentTarget.value })}
      />
      <div class="row">
        <button type="submit" class="button strong" aria-disabled={!isReady}>
          {text.diagnosticsShow}
        </button>
      </div>
    </form>
  );
}

interface ShownProps {
  readonly shown: DiagnosticsPreview;
  readonly isReady: boolean;
  readonly onSend: () => void;
  readonly onBack: () => void;
}

function Shown({ shown: { files, size_bytes }, isReady, onSend, onBack }: ShownProps): JSX.Element {
  const text = useText();
  const language = useLanguage();
  const title = useRef<HTMLHeadingElement>(null);
  // What was pressed is gone: the reader goes on with what came in its place.
  useEffect(() => title.current?.focus(), []);
  const save = (): void =>
    saveText(
      files.flatMap(({ name, text }) => [`===== ${name} =====\n`, text, '\n']),
      'kanade-diagnostics.txt',
    );
  return (
    <div class="shown">
      <h4 ref={title} tabIndex={-1}>
        {text.diagnosticsShown(sizeWords(size_bytes, language))}
      </h4>
      <DiagnosticsFiles files={files} />
      <div class="row">
        <button type="button" class="button strong" aria-disabled={!isReady} onClick={isReady ? onSend : undefined}>
          {text.diagnosticsSend}
        </button>
        <button type="button" class="button quiet" onClick={save}>
          <Icon name="download" />
          {text.diagnosticsSave}
        </button>
        <button type="button" class="button quiet" onClick={onBack}>
          {text.diagnosticsBack}
        </button>
      </div>
    </div>
  );
}

function Sent({ result, onAgain }: { result: DiagnosticsResult; onAgain: () => void }): JSX.Element {
  const text = useText();
  return (
    <div class="sent">
      <p role="status">{result.queued ? text.diagnosticsQueued : text.diagnosticsSent}</p>
      <p class="dim">
        {text.diagnosticsKey} <code>{result.object_key}</code>
      </p>
      <div class="row">
        <button type="button" class="button quiet" onClick={onAgain}>
          {text.diagnosticsAgain}
        </button>
      </div>
    </div>
  );
}
