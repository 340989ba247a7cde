/** The Markdown that our lessons are written in, as elements; text always goes in as text. */
import { h } from '#kit/page/dom.ts';

/** Blocks: headings, lists, fenced code, tables of nothing, paragraphs. Comments are left out. */
export function markdown(text: string): HTMLElement[] {
  const lines = text.replace(/^ *<!--[\s\S]*?-->\n?/gm, '').split('\n');
  const blocks: HTMLElement[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const fence = line.startsWith('```');
    const marker = /^(\d+\.|-) /.exec(line)?.[1];
    if (fence) {
      const end = closing(lines, at + 1);
      blocks.push(codeBlock(lines.slice(at + 1, end).join('\n')));
      at = end + 1;
    } else if (marker !== undefined) {
      const end = endOfList(lines, at);
      blocks.push(list(lines.slice(at, end), marker !== '-'));
      at = end;
    } else if (/^#{1,3} /.test(line)) {
      const [, marks = '', words = ''] = /^(#+) (.*)$/.exec(line)!;
      blocks.push(h(marks.length === 1 ? 'h1' : marks.length === 2 ? 'h2' : 'h3', {}, ...inline(words)));
      at += 1;
    } else {
      let end = at + 1;
      while (end < lines.length && lines[end]!.trim() !== '' && !/^(```|#{1,3} |- |\d+\. )/.test(lines[end]!)) end += 1;
      blocks.push(h('p', {}, ...inline(lines.slice(at, end).join(' '))));
      at = end;
    }
  }
  return blocks;
}

/** What is typed or printed, in lines that wrap; a drawing would be lost by that, so it scrolls, and a key reaches it. */
function codeBlock(text: string): HTMLElement {
  const drawing = /[┌│└═─]/.test(text);
  return h('pre', drawing ? { class: 'drawing', tabindex: '0' } : {}, h('code', {}, text));
}

function closing(lines: readonly string[], from: number): number {
  const end = lines.findIndex((line, index) => index >= from && line.startsWith('```'));
  return end === -1 ? lines.length : end;
}

/** A list goes on while lines are indented, begin an item, or are empty before such a line. */
function endOfList(lines: readonly string[], from: number): number {
  let end = from + 1;
  while (end < lines.length) {
    const line = lines[end]!;
    const next = lines[end + 1] ?? '';
    if (/^( {2,}|\d+\. |- )/.test(line) || (line.trim() === '' && /^( {2,}|\d+\. |- )/.test(next))) end += 1;
    else break;
  }
  return end;
}

function list(lines: readonly string[], numbered: boolean): HTMLElement {
  const items: string[][] = [];
  for (const line of lines) {
    const begins = /^(?:\d+\.|-) (.*)$/.exec(line);
    if (begins) items.push([begins[1]!]);
    else items.at(-1)?.push(line.replace(/^ {2,3}/, ''));
  }
  const children = items.map((item) => h('li', {}, ...markdown(item.join('\n'))));
  return numbered ? h('ol', {}, ...children) : h('ul', {}, ...children);
}

const PIECE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\([^)]*\)/g;

/** Code, strong and emphasized words; of a link, its words. */
export function inline(text: string): (Node | string)[] {
  const pieces: (Node | string)[] = [];
  let from = 0;
  for (const found of text.matchAll(PIECE)) {
    pieces.push(text.slice(from, found.index));
    const [whole, code, strong, emphasis, link] = found;
    if (code !== undefined) pieces.push(h('code', {}, code));
    else if (strong !== undefined) pieces.push(h('strong', {}, strong));
    else if (emphasis !== undefined) pieces.push(h('em', {}, emphasis));
    else pieces.push(link!);
    from = found.index + whole.length;
  }
  return [...pieces, text.slice(from)];
}
