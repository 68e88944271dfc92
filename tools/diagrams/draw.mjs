/**
 * Pictures as SVG texts: boxes with words in them, and arrows between them. They have a ground of their own and follow the colour
 * scheme of who looks; text stays text. A word that does not fit into its box is an error, because nobody would see it in a review.
 */

const font = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Tone → [fill, line, text], by day and by night. */
const tones = {
  plain: [
    ['#ffffff', '#c3cad6', '#1b2330'],
    ['#1c232e', '#465164', '#e8ecf3'],
  ],
  fleet: [
    ['#e6effd', '#7ea6e8', '#143a75'],
    ['#16294a', '#4a7bc8', '#d5e4fc'],
  ],
  person: [
    ['#e2f4ea', '#74bd94', '#12492d'],
    ['#12352a', '#3f9a70', '#cdf0de'],
  ],
  script: [
    ['#fbf0da', '#d9ac57', '#5c3c05'],
    ['#3a2c12', '#b3873a', '#f8e6c3'],
  ],
  store: [
    ['#efeafb', '#a695dc', '#3a2a74'],
    ['#2a2348', '#7c69c2', '#e3dcfa'],
  ],
  wrong: [
    ['#fdeaea', '#dd8f8f', '#7a1f1f'],
    ['#431f22', '#b75c60', '#fbdada'],
  ],
};

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** How wide a text is, in px, on the generous side of usual sans-serif fonts. */
const widthOf = (text, size, isBold = false) =>
  [...text].reduce((sum, sign) => {
    if (/[ilj.,:;'|!]/.test(sign)) return sum + 0.3;
    if (/[ \-frtI()]/.test(sign)) return sum + 0.38;
    if (/[mwMW→✓…]/.test(sign)) return sum + 0.88;
    if (/[A-Z]/.test(sign)) return sum + 0.69;
    return sum + 0.56;
  }, 0) *
  size *
  (isBold ? 1.06 : 1);

function styles() {
  const sheet = (at) =>
    Object.entries(tones)
      .map(([name, colours]) => {
        const [fill, line, text] = colours[at];
        return `.${name} rect,.${name} .shape{fill:${fill};stroke:${line}}.${name} text{fill:${text}}`;
      })
      .join('');
  const ground = (back, ink, soft, wire) =>
    `.ground{fill:${back}}.title{fill:${ink}}.soft{fill:${soft}}.wire{stroke:${wire};fill:none}.head{fill:${wire}}.lane{fill:none;stroke:${wire}}`;
  return `text{font-family:${font};font-size:14px}.b{font-weight:600}.s{font-size:12.5px}.title{font-size:19px;font-weight:650}.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12.5px}
rect,.shape{stroke-width:1.4}.wire{stroke-width:1.7}.lane{stroke-width:1;stroke-dasharray:3 5;opacity:.55}
${ground('#f6f8fb', '#1b2330', '#5a6577', '#7b8799')}${sheet(0)}
@media (prefers-color-scheme: dark){${ground('#11161e', '#eef2f8', '#a3aec0', '#8491a6')}${sheet(1)}}`;
}

/** A picture of this size; `what` is for who does not see it. */
export function picture(width, height, title, what) {
  const parts = [];
  const add = (text) => void parts.push(text);

  /** Text at a place; `anchor` is start, middle or end. */
  function text(x, y, words, { kind = 'soft s', anchor = 'start', room } = {}) {
    const size = kind.includes('s') && !kind.includes('title') ? 12.5 : 14;
    const wide = widthOf(words, size, kind.includes('b'));
    const left = anchor === 'start' ? x : anchor === 'middle' ? x - wide / 2 : x - wide;
    if ((room !== undefined && wide > room) || left < 4 || left + wide > width - 4)
      throw new Error(`"${words}" is ${Math.ceil(wide)} px wide and does not fit: ${title}`);
    add(
      `<text x="${x}" y="${y}" class="${kind}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escaped(words)}</text>`,
    );
  }

  /** A box with a bold first line and further ones below it, all in its middle. */
  function box(x, y, w, h, tone, [head, ...lines]) {
    add(`<g class="${tone}"><rect x="${x}" y="${y}" width="${w}" height="${h}" rx="9"/>`);
    const top = y + h / 2 - (lines.length * 17) / 2 + 5;
    const at = { anchor: 'middle', room: w - 12 };
    text(x + w / 2, top, head, { ...at, kind: 'b' });
    for (const [n, line] of lines.entries()) text(x + w / 2, top + 18 + n * 17, line, { ...at, kind: 's' });
    add('</g>');
    return { x, y, w, h };
  }

  /** An arrow along points; the label stands beside its middle segment, `dy` above. */
  function arrow(points, label, { dx = 0, dy = -7, anchor = 'middle', dashed = false, both = false } = {}) {
    const path = points.map(([x, y], n) => `${n === 0 ? 'M' : 'L'}${x} ${y}`).join(' ');
    const marks = `marker-end="url(#head)"${both ? ' marker-start="url(#tail)"' : ''}`;
    add(`<path class="wire" d="${path}" ${marks}${dashed ? ' stroke-dasharray="5 4"' : ''}/>`);
    if (!label) return;
    const at = Math.max(0, Math.floor((points.length - 1) / 2));
    const [[x1, y1], [x2, y2]] = [points[at], points[at + 1] ?? points[at]];
    text((x1 + x2) / 2 + dx, (y1 + y2) / 2 + dy, label, { anchor });
  }

  const line = (x1, y1, x2, y2) => add(`<path class="lane" d="M${x1} ${y1} L${x2} ${y2}"/>`);

  const svg =
    () => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(what)}">
<title>${escaped(title)}</title>
<style>${styles()}</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0.8 L10 5 L0 9.2 Z"/></marker><marker id="tail" viewBox="0 0 10 10" refX="1" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M10 0.8 L0 5 L10 9.2 Z"/></marker></defs>
<rect class="ground" x="0" y="0" width="${width}" height="${height}" rx="14" stroke="none"/>
${parts.join('\n')}
</svg>
`;
  text(28, 40, title, { kind: 'title' });
  return { box, arrow, text, line, svg };
}
