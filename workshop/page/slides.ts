/** The slides: one Markdown file, a slide between two lines of three dashes, with notes for the speaker. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import { source } from './here.ts';
import { markdown } from './markdown.ts';
import { words } from './words.ts';

/** What a slide says to the speaker alone: its last paragraph, after this word. */
const NOTES = /\n\nNotes: ([^]*)$/;

/** Show them; arrow keys, space, Home and End turn the pages, n shows and hides the notes. */
export async function slides(root: HTMLElement): Promise<void> {
  const text = await source.slides();
  const all = text.split(/^---$/m).map((each) => each.trim());
  const slide = h('main', { class: 'slide' });
  const count = h('small', { class: 'count' });
  const notes = h('aside', { class: 'notes', 'aria-label': words.speakerNotes });
  notes.hidden = true;
  root.append(slide, notes, h('footer', {}, count));
  const show = (wanted: number): void => {
    const at = Math.min(Math.max(wanted, 1), all.length);
    const text = all[at - 1]!;
    setChildren(slide, markdown(text.replace(NOTES, '')));
    setChildren(notes, markdown(NOTES.exec(text)?.[1] ?? ''));
    setText(count, words.slideOf(at, all.length));
    if (location.hash !== `#${at}`) history.replaceState(null, '', `#${at}`);
  };
  const now = (): number => Number(location.hash.slice(1)) || 1;
  addEventListener('hashchange', () => show(now()));
  addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowRight' || key === ' ' || key === 'PageDown') show(now() + 1);
    else if (key === 'ArrowLeft' || key === 'PageUp') show(now() - 1);
    else if (key === 'Home') show(1);
    else if (key === 'End') show(all.length);
    else if (key === 'n') notes.hidden = !notes.hidden;
  });
  show(now());
}
