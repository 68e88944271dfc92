import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { type Dictionary, en } from './en.ts';
import { ja } from './ja.ts';

export type Language = 'en' | 'ja';

const dictionaries: Record<Language, Dictionary> = { en, ja };

/** `?lang=` wins over the browser's languages, in their order; English where neither is known. */
export function chooseLanguage(search: string, preferred: readonly string[]): Language {
  const asked = new URLSearchParams(search).get('lang');
  const wanted = [asked ?? '', ...preferred].map((tag) => tag.toLowerCase().split('-')[0]);
  return wanted.find((tag) => tag === 'en' || tag === 'ja') ?? 'en';
}

export const LanguageContext = createContext<Language>('en');

/** The texts of the language in use. */
export function useText(): Dictionary {
  return dictionaries[useContext(LanguageContext)];
}

export function useLanguage(): Language {
  return useContext(LanguageContext);
}
