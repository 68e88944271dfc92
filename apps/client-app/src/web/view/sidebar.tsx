import type { ComponentChildren, JSX } from 'preact';
import type { Category } from '../catalogue/categories.ts';
import { type View, viewHref } from '../state/use-view.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { GivenIcon, Icon } from './icon.tsx';

export function Sidebar({ categories, view }: { categories: readonly Category[]; view: View }): JSX.Element {
  const text = useText();
  return (
    <nav class="sidebar" aria-label={text.views}>
      <ul>
        <Entry href={viewHref({ kind: 'home' })} isCurrent={view.kind === 'home'}>
          <Icon name="home" />
          <span class="label">{text.home}</span>
        </Entry>
        {categories.map((category) => (
          <Entry
            key={category.key}
            href={viewHref({ kind: 'category', key: category.key })}
            isCurrent={view.kind === 'category' && view.key === category.key}
          >
            <GivenIcon icon={category.icon} />
            <span class="label">{categoryLabel(category, text)}</span>
            <span class="count">{category.jobs.length}</span>
          </Entry>
        ))}
      </ul>
    </nav>
  );
}

function Entry(props: { href: string; isCurrent: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <li>
      <a href={props.href} aria-current={props.isCurrent ? 'page' : undefined}>
        {props.children}
      </a>
    </li>
  );
}
