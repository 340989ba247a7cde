/** A Dockerfile's contract as Markdown. */
import type { DockerfileFacts } from './dockerfile.ts';
import { givesSecretAway, titleOf, versionOf } from './lint.ts';

const BEGIN = '<!-- contract -->';
const END = '<!-- /contract -->';

/** Tables of what an image promises. */
export function contractMarkdown(facts: DockerfileFacts): string {
  const title = [titleOf(facts), versionOf(facts)].filter((each) => each !== undefined).join(' ');
  const parts = [
    title === '' ? '' : `Contract of ${title}.`,
    table(
      ['Variable', 'Default', 'Meaning'],
      [...facts.env].map(([name, value]) => [
        code(name),
        givesSecretAway(name, value) ? '(a secret, not shown)' : value === '' ? '' : code(value),
        cell(facts.commentOf(name)),
      ]),
    ),
    table(
      ['Port', 'Meaning'],
      [...facts.ports].map((port) => [code(port), cell(facts.commentOf(port))]),
    ),
    table(
      ['Volume', 'Meaning'],
      [...facts.volumes].map((path) => [code(path), cell(facts.commentOf(path))]),
    ),
    table(
      ['', ''],
      [
        ['User', code(facts.user || 'root')],
        ['Stop signal', code(facts.stopSignal || 'SIGTERM')],
        ['Health check', facts.healthcheck.length === 0 ? 'none' : code(facts.healthcheck.join(' '))],
      ],
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** @returns the text with what stands between the markers replaced; undefined without markers */
export function fillMarkers(text: string, content: string): string | undefined {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from === -1 || to < from) return undefined;
  return `${text.slice(0, from + BEGIN.length)}\n${content}${text.slice(to)}`;
}

export const MARKERS = `${BEGIN} and ${END}`;

/** Text of a table's cell. */
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

/** A table; a last column in which nothing stands is left out. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const columns = head.length - (head.length > 1 && rows.every((row) => row.at(-1) === '') ? 1 : 0);
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.slice(0, columns).join(' | ')} |`);
  return lines.join('\n');
}

const code = (text: string): string =>
  `\`${text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('`', "'")
    .replaceAll(/\s+/g, ' ')}\``;
