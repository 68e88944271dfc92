import type { JSX } from 'preact';
import { type IconName, iconPaths } from '../catalogue/icon-paths.ts';
import { iconSource } from '../catalogue/icon-source.ts';

/** A line drawing beside words; screen readers skip it. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      {iconPaths[name].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}

/** The icon that an operator gave a job or a category. */
export function GivenIcon({ icon }: { icon: string | undefined }): JSX.Element {
  const source = iconSource(icon);
  return source.kind === 'image' ? <img class="icon" src={source.url} alt="" /> : <Icon name={source.name} />;
}
