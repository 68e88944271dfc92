import type { LocalNotification } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { EmptyState } from '../view/empty-state.tsx';
import { NoticeItem } from './notice-item.tsx';
import { isOpen, isUnread, type ReadingEvent, stepReading } from './reading.ts';

export interface NoticesViewProps {
  readonly notices: readonly LocalNotification[];
  /** The one that a link from outside names. */
  readonly linkedId: string | undefined;
  /** False while nothing can be confirmed. */
  readonly isReady: boolean;
  readonly onAcknowledge: (id: string) => Promise<boolean>;
  readonly onWithdraw: (id: string) => Promise<boolean>;
}

export function NoticesView(props: NoticesViewProps): JSX.Element {
  const { notices, linkedId, isReady, onAcknowledge, onWithdraw } = props;
  const text = useText();
  const [reading, setReading] = useState({});
  const step = (event: ReadingEvent): void => {
    const [next, effects] = stepReading(reading, event);
    setReading(next);
    if (isReady) for (const { id } of effects) void onAcknowledge(id);
  };
  // What is opened while the agent is away is read as soon as it is back.
  useEffect(() => {
    if (!isReady) return;
    for (const notice of notices)
      if (isOpen(reading, notice) && isUnread(notice) && notice.require_ack !== true) void onAcknowledge(notice.id);
  }, [isReady]);
  const linked = notices.find(({ id }) => id === linkedId);
  useEffect(() => {
    if (!linked) return;
    step({ type: 'linked', notice: linked });
    document.getElementById(`notice-${linked.id}`)?.scrollIntoView({ block: 'nearest' });
  }, [linked?.id]);
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{text.notifications}</h2>
      {linkedId !== undefined && !linked && <p class="lead">{text.noticeGone}</p>}
      {notices.length === 0 && (
        <EmptyState icon="bell" title={text.noNoticesTitle}>
          {text.noNoticesText}
        </EmptyState>
      )}
      {notices.length > 0 && (
        <ul class="list box raised">
          {notices.map((notice) => (
            <NoticeItem
              key={notice.id}
              notice={notice}
              isOpen={isOpen(reading, notice)}
              isReady={isReady}
              onToggle={() => step({ type: 'toggle', notice })}
              onAcknowledge={() => onAcknowledge(notice.id)}
              onWithdraw={() => onWithdraw(notice.id)}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
