import { render } from 'preact';
import { obtainKey } from './api/session-key.ts';
import { App } from './app.tsx';
import { chooseLanguage, LanguageContext } from './text/language.ts';

const language = chooseLanguage(location.search, navigator.languages);
document.documentElement.lang = language;

// A fresh address in an open tab changes the fragment only, which loads nothing by itself.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) location.reload();
});

// A token that is not good leaves the page locked, which says what to do.
const key = await obtainKey().catch(() => undefined);
render(
  <LanguageContext.Provider value={language}>
    <App sessionKey={key} />
  </LanguageContext.Provider>,
  document.getElementById('app') ?? document.body,
);
