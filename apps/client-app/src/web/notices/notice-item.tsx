import type { LocalNotification } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { IconName } from '../catalogue/icon-paths.ts';
import { useLanguage, useText } from '../text/language.ts';
import { instantWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';
import { MarkdownText } from './markdown-text.tsx';
import { isUnread } from './reading.ts';

export interface NoticeItemProps {
  readonly notice: LocalNotification;
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly onToggle: () => void;
  readonly onAcknowledge: () => void;
  readonly onWithdraw: () => void;
}

const priorityIcons: Record<LocalNotification['priority'], IconName> = {
  info: 'bell',
  warn: 'alert-triangle',
  emergency: 'alert-triangle',
  unknown: 'bell',
};

/** A title that opens. Only what is open can be confirmed, so nobody confirms what they have not seen. */
export function NoticeItem(props: NoticeItemProps): JSX.Element {
  const { notice, isOpen, onToggle } = props;
  const text = useText();
  const language = useLanguage();
  const bodyId = `notice-body-${notice.id}`;
  return (
    <li id={`notice-${notice.id}`} class={`notice ${notice.priority} ${isUnread(notice) ? 'unread' : ''}`}>
      <h3>
        <button
          type="button"
          class="notice-head entry"
          aria-expanded={isOpen}
          aria-controls={bodyId}
          onClick={onToggle}
        >
          <span class="tile">
            <Icon name={priorityIcons[notice.priority]} />
          </span>
          <span class="words">
            <span class="notice-title">{notice.title}</span>
            <span class="facts">
              {isUnread(notice) && <span class="unread-mark">{text.unread}</span>}
              {notice.priority !== 'info' && notice.priority !== 'unknown' && (
                <span class="priority">{text[`priority_${notice.priority}`]}</span>
              )}
              {isUnread(notice) && notice.require_ack === true && !isOpen && <span>{text.openToConfirm}</span>}
              <time dateTime={notice.issued_at}>{instantWords(notice.issued_at, language)}</time>
            </span>
          </span>
          <Icon name="chevron-down" />
        </button>
      </h3>
      <div id={bodyId} hidden={!isOpen}>
        {isOpen && <NoticeBody {...props} />}
      </div>
    </li>
  );
}

function NoticeBody({ notice, isReady, onAcknowledge, onWithdraw }: NoticeItemProps): JSX.Element {
  const text = useText();
  const language = useLanguage();
  const { acked_at, require_ack, issued_by, expires_at } = notice;
  return (
    <div class="notice-body">
      <MarkdownText source={notice.body} />
      <p class="facts">
        {issued_by && <span>{text.issuedBy(issued_by)}</span>}
        {expires_at && <span>{text.validUntil(instantWords(expires_at, language))}</span>}
        {require_ack && acked_at && <span>{text.confirmedAt(instantWords(acked_at, language))}</span>}
      </p>
      {require_ack && (
        <button
          type="button"
          class={`button ${acked_at ? 'quiet' : 'strong'}`}
          aria-disabled={!isReady}
          onClick={isReady ? (acked_at ? onWithdraw : onAcknowledge) : undefined}
        >
          {acked_at ? text.withdraw : text.confirm}
        </button>
      )}
    </div>
  );
}
