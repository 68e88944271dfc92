import { describe, expect, it } from 'vitest';
import { iconSource } from './icon-source.ts';

const box = { kind: 'drawing', name: 'box' };
const png = 'data:image/png;base64,iVBORw0KGgo=';

describe('iconSource()', () => {
  it.each([
    ['a known name', 'hard-drive', { kind: 'drawing', name: 'hard-drive' }],
    ['an image', png, { kind: 'image', url: png }],
    [
      'a drawing as an image',
      'data:image/svg+xml;base64,PHN2Zy8+',
      { kind: 'image', url: 'data:image/svg+xml;base64,PHN2Zy8+' },
    ],
    ['no icon', undefined, box],
    ['an unknown name', 'rocket', box],
    ['a key of every object', 'constructor', box],
    ['an address', 'https://example.org/icon.png', box],
    ['a script', 'javascript:alert(1)', box],
    ['a document', 'data:text/html;base64,PGI+', box],
    ['an image that is not base64', 'data:image/svg+xml,<svg/>', box],
    ['an image with more behind it', `${png}#x`, box],
    ['an image of another kind', 'data:image/x-icon;base64,AAAA', box],
    ['a line break', `${png}\n`, box],
  ])('%s', (_name, icon, source) => {
    expect(iconSource(icon)).toEqual(source);
  });
});
