import { type IconName, iconPaths } from './icon-paths.ts';

/** What to draw for an icon that an operator named. */
export type IconSource =
  | { readonly kind: 'drawing'; readonly name: IconName }
  | { readonly kind: 'image'; readonly url: string };

/** Only these may reach an `<img>`: nothing is fetched, and an image runs no script. */
const imageUrl = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/;

/** A known name, or an image within the allow-list; everything else is the box. */
export function iconSource(icon: string | undefined): IconSource {
  if (icon !== undefined && Object.hasOwn(iconPaths, icon)) return { kind: 'drawing', name: icon as IconName };
  if (icon !== undefined && imageUrl.test(icon)) return { kind: 'image', url: icon };
  return { kind: 'drawing', name: 'box' };
}
