/** The end of a container's log; there is none before a container was chosen. */
import { h, setText } from '#kit/page/dom.ts';
import type { LogDocument } from '../server/document.ts';
import { words } from './words.ts';

/** Lines that are kept. */
const MOST = 500;

export function log(): { readonly element: HTMLElement; follow(id: string, service: string): void } {
  const title = h('h2', {}, words.log);
  const skippedNote = h('small');
  const text = h('pre', { tabindex: '0' });
  const element = h('div', { hidden: true }, h('header', {}, title, skippedNote), text);
  let source: EventSource | undefined;
  let lines: string[] = [];
  let skipped = 0;
  let drawing = false;
  /** Once a frame, however fast the lines come. */
  const draw = (): void => {
    drawing = false;
    const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
    text.textContent = lines.join('\n');
    setText(skippedNote, skipped === 0 ? '' : words.tooFast(skipped));
    if (atEnd) text.scrollTop = text.scrollHeight;
  };
  return {
    element,
    follow(id, service) {
      source?.close();
      lines = [];
      skipped = 0;
      element.hidden = false;
      setText(title, words.logOf(service));
      text.textContent = '';
      source = new EventSource(`/log?id=${encodeURIComponent(id)}`);
      // It begins anew, with the end of what there is.
      source.addEventListener('open', () => (lines = []));
      source.addEventListener('lines', (event) => {
        const portion = JSON.parse((event as MessageEvent<string>).data) as LogDocument;
        lines = [...lines, ...portion.lines].slice(-MOST);
        skipped += portion.skipped;
        if (drawing) return;
        drawing = true;
        requestAnimationFrame(draw);
      });
    },
  };
}
