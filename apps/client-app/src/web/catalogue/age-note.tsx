import type { JSX } from 'preact';
import type { CatalogueAge } from '../state/page-state.ts';
import { useLanguage, useText } from '../text/language.ts';
import { instantWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';

/** How old the list is, while the fleet cannot be asked. No warning: everything here works all the same. */
export function AgeNote({ age }: { age: CatalogueAge | undefined }): JSX.Element | null {
  const text = useText();
  const language = useLanguage();
  if (!age) return null;
  return (
    <p class="age">
      <Icon name="clock" />
      {age.asOf === undefined ? text.ageUnknown : text.ageKnown(instantWords(age.asOf, language))}
    </p>
  );
}
