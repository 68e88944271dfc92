import type { UnlockGrant } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AgentLog, AgentOffers } from '../../wire/page-event.ts';
import type { Dictionary } from '../text/en.ts';
import { useText } from '../text/language.ts';
import { failureWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';
import { Countdown } from './countdown.tsx';
import { type DiagnosticsActions, DiagnosticsSection } from './diagnostics-section.tsx';
import { LogSection } from './log-section.tsx';

export interface SupportViewProps {
  readonly offers: AgentOffers;
  readonly grants: readonly UnlockGrant[];
  /** False while the agent cannot be asked. */
  readonly isReady: boolean;
  readonly onUnlock: (code: string) => Promise<Failure | undefined>;
  readonly onLock: () => Promise<boolean>;
  readonly onReadLog: () => Promise<AgentLog>;
  readonly diagnostics: DiagnosticsActions;
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

export function SupportView({ offers, onReadLog, diagnostics, ...codes }: SupportViewProps): JSX.Element {
  const text = useText();
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{text.support}</h2>
      <p class="lead">{text.supportText}</p>
      {offers.support && <SupportCodes {...codes} />}
      {offers.diagnostics && <DiagnosticsSection isReady={codes.isReady} {...diagnostics} />}
      {offers.log && <LogSection isReady={codes.isReady} onRead={onReadLog} />}
    </section>
  );
}

type SupportCodesProps = Omit<SupportViewProps, 'offers' | 'onReadLog' | 'diagnostics'>;

function SupportCodes({ grants, isReady, onUnlock, onLock }: SupportCodesProps): JSX.Element {
  const text = useText();
  return (
    <section class="panel" aria-labelledby="support-mode">
      <h3 id="support-mode">
        <Icon name="key" />
        {text.supportMode}
      </h3>
      <CodeForm isReady={isReady} onUnlock={onUnlock} />
      {grants.length > 0 && <Grants grants={grants} isReady={isReady} onLock={onLock} />}
    </section>
  );
}

function CodeForm({ isReady, onUnlock }: Pick<SupportCodesProps, 'isReady' | 'onUnlock'>): JSX.Element {
  const text = useText();
  const [code, setCode] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (code.trim() === '' || isAsking || !isReady) return;
    setIsAsking(true);
    const why = await onUnlock(code.trim());
    setIsAsking(false);
    setFailure(why);
    if (!why) setCode('');
  };
  return (
    <form class="code-form" onSubmit={submit}>
      <label for="support-code">{text.supportCode}</label>
      <div class="row">
        <input
          id="support-code"
          type="text"
          value={code}
          maxLength={128}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-invalid={failure !== undefined}
          aria-describedby={failure ? 'support-failure' : undefined}
          onInput={({ currentTarget }) => {
            setCode(currentTarget.value);
            setFailure(undefined);
          }}
        />
        <button type="submit" class="button strong" aria-disabled={!isReady || code.trim() === ''}>
          {text.unlock}
        </button>
      </div>
      {failure && (
        <p id="support-failure" class="field-failure" role="alert">
          {codeWords(failure, text)}
        </p>
      )}
    </form>
  );
}

/** The agent does not say what was wrong with a code, and neither do we. */
function codeWords(failure: Failure, text: Dictionary): string {
  if (failure.code === 'not_allowed') return text.codeWrong;
  return failure.code === 'too_many' ? text.codeTooMany : failureWords(failure, text);
}

function Grants({ grants, isReady, onLock }: Pick<SupportCodesProps, 'grants' | 'isReady' | 'onLock'>): JSX.Element {
  const text = useText();
  return (
    <>
      <ul class="grants">
        {grants.map((grant) => (
          <li key={grant.scope}>
            <span>{grant.label || grant.scope}</span>
            <Countdown expires_at={grant.expires_at} />
          </li>
        ))}
      </ul>
      <button type="button" class="button quiet" aria-disabled={!isReady} onClick={isReady ? onLock : undefined}>
        <Icon name="lock" />
        {text.lock}
      </button>
    </>
  );
}
