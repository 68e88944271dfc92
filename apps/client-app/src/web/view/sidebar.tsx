import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Category } from '../catalogue/categories.ts';
import type { IconName } from '../catalogue/icon-paths.ts';
import { type View, viewHref } from '../state/use-view.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { GivenIcon, Icon } from './icon.tsx';

export interface SidebarProps {
  readonly categories: readonly Category[];
  /** The one that is shown; undefined while something is searched for. */
  readonly view: View | undefined;
  /** Undefined where the agent knows no notifications. */
  readonly unreadCount: number | undefined;
  readonly hasSupport: boolean;
  /** Called when an entry is chosen, the current one included. */
  readonly onGo: () => void;
  readonly children: ComponentChildren;
}

export function Sidebar({ categories, view, unreadCount, hasSupport, onGo, children }: SidebarProps): JSX.Element {
  const text = useText();
  const nav = useCurrentInView(view);
  const plain = (kind: 'home' | 'health' | 'support', icon: IconName): JSX.Element => (
    <Entry onGo={onGo} href={viewHref({ kind })} isCurrent={view?.kind === kind}>
      <Icon name={icon} />
      <span class="label">{text[kind]}</span>
    </Entry>
  );
  return (
    <div class="sidebar">
      {children}
      <nav ref={nav} aria-label={text.views}>
        <ul>
          {plain('home', 'home')}
          {unreadCount !== undefined && (
            <Entry onGo={onGo} href={viewHref({ kind: 'notifications' })} isCurrent={view?.kind === 'notifications'}>
              <Icon name="bell" />
              <span class="label">{text.notifications}</span>
              {unreadCount > 0 && (
                <span class="badge">
                  <span aria-hidden="true">{unreadCount}</span>
                  <span class="visually-hidden">{text.unreadCount(unreadCount)}</span>
                </span>
              )}
            </Entry>
          )}
          {plain('health', 'heart-pulse')}
          {categories.map((category) => (
            <Entry
              key={category.key}
              onGo={onGo}
              href={viewHref({ kind: 'category', key: category.key })}
              isCurrent={view?.kind === 'category' && view.key === category.key}
            >
              <GivenIcon icon={category.icon} />
              <span class="label">{categoryLabel(category, text)}</span>
              <span class="count">{category.jobs.length}</span>
            </Entry>
          ))}
          {hasSupport && plain('support', 'life-buoy')}
        </ul>
      </nav>
    </div>
  );
}

/** Where the entries are a row that scrolls, the current one is in it. */
function useCurrentInView(view: View | undefined): { current: HTMLElement | null } {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>('[aria-current]');
    if (nav.current && current) nav.current.scrollLeft = current.offsetLeft - 16;
  }, [view && viewHref(view)]);
  return nav;
}

interface EntryProps {
  readonly href: string;
  readonly isCurrent: boolean;
  readonly onGo: () => void;
  readonly children: ComponentChildren;
}

function Entry(props: EntryProps): JSX.Element {
  return (
    <li>
      <a href={props.href} onClick={props.onGo} aria-current={props.isCurrent ? 'page' : undefined}>
        {props.children}
      </a>
    </li>
  );
}
