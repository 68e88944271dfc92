import type { ComponentChildren, JSX } from 'preact';
import type { IconName } from '../catalogue/icon-paths.ts';
import { Icon } from './icon.tsx';

export interface EmptyStateProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** Says that there is nothing here, and what would be. */
export function EmptyState({ icon, title, children }: EmptyStateProps): JSX.Element {
  return (
    <div class="nothing">
      <Icon name={icon} />
      <h3>{title}</h3>
      <p class="dim">{children}</p>
    </div>
  );
}
