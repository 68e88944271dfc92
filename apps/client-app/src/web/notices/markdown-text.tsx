import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { Icon } from '../view/icon.tsx';
import { type MarkdownInline, type MarkdownPart, parseMarkdown } from './markdown.ts';

/** Markdown as elements; never by way of HTML. */
export function MarkdownText({ source }: { source: string }): JSX.Element {
  const parts = useMemo(() => parseMarkdown(source), [source]);
  return (
    <div class="markdown">
      <Parts parts={parts} />
    </div>
  );
}

function Parts({ parts }: { parts: readonly MarkdownPart[] }): JSX.Element {
  return (
    <>
      {parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </>
  );
}

function Part({ part }: { part: MarkdownPart }): JSX.Element {
  switch (part.kind) {
    case 'heading': {
      // Below the title of its notification, which is an h3.
      const Heading = part.level === 1 ? 'h4' : part.level === 2 ? 'h5' : 'h6';
      return (
        <Heading>
          <Inlines inside={part.inside} />
        </Heading>
      );
    }
    case 'paragraph':
      return (
        <p>
          <Inlines inside={part.inside} />
        </p>
      );
    case 'code':
      return <pre>{part.text}</pre>;
    case 'quote':
      return (
        <blockquote>
          <Parts parts={part.parts} />
        </blockquote>
      );
    case 'list':
      return <List part={part} />;
    case 'table':
      return <Table part={part} />;
    case 'rule':
      return <hr />;
  }
}

function List({ part }: { part: Extract<MarkdownPart, { kind: 'list' }> }): JSX.Element {
  const items = part.items.map((parts, index) => (
    <li key={index}>
      <Parts parts={parts} />
    </li>
  ));
  return part.start === undefined ? <ul>{items}</ul> : <ol start={part.start}>{items}</ol>;
}

function Table({ part }: { part: Extract<MarkdownPart, { kind: 'table' }> }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          {part.head.map((cell, index) => (
            <th key={index} scope="col">
              <Inlines inside={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {part.rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column}>
                <Inlines inside={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Inlines({ inside }: { inside: readonly MarkdownInline[] }): JSX.Element {
  return (
    <>
      {inside.map((inline, index) => (
        <Inline key={index} inline={inline} />
      ))}
    </>
  );
}

function Inline({ inline }: { inline: MarkdownInline }): JSX.Element {
  const text = useText();
  if (typeof inline === 'string') return <>{inline}</>;
  if (inline.kind === 'break') return <br />;
  if (inline.kind === 'code') return <code>{inline.text}</code>;
  const words = <Inlines inside={inline.inside} />;
  if (inline.kind !== 'link') {
    const Mark = inline.kind;
    return <Mark>{words}</Mark>;
  }
  return (
    <a href={inline.href} target="_blank" rel="noopener noreferrer">
      {words}
      <span class="outside">
        <Icon name="external" />
      </span>
      <span class="visually-hidden">{text.opensOutside}</span>
    </a>
  );
}
