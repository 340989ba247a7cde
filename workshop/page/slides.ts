/** The slides: a slide between two lines of three dashes, with notes for the speaker. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import { source } from './here.ts';
import { markdown } from './markdown.ts';
import { words } from './words.ts';

/** What a slide says to the speaker alone: its last paragraph, after this word. */
const NOTES = /\n\nNotes: ([^]*)$/;

/** Show them, turned by buttons and by keys: arrows, space, Page Up and Down, Home and End; n shows and hides the notes. */
export async function slides(root: HTMLElement): Promise<void> {
  const text = await source.slides();
  const all = text.split(/^---$/m).map((each) => each.trim());
  const slide = h('main', { class: 'slide', 'aria-live': 'polite' });
  const count = h('small');
  const notes = h('aside', { class: 'notes', 'aria-label': words.speakerNotes });
  notes.hidden = true;
  const show = (wanted: number): void => {
    const at = Math.min(Math.max(wanted, 1), all.length);
    const text = all[at - 1]!;
    // Each slide is a page of its own, so what stands above it is a heading of the first level.
    setChildren(slide, markdown(text.replace(NOTES, '').replace(/^## /, '# ')));
    setChildren(notes, markdown(NOTES.exec(text)?.[1] ?? ''));
    setText(count, words.slideOf(at, all.length));
    back.disabled = at === 1;
    forward.disabled = at === all.length;
    if (location.hash !== `#${at}`) history.replaceState(null, '', `#${at}`);
  };
  const now = (): number => Number(location.hash.slice(1)) || 1;
  const button = (label: string, act: () => void, title = label): HTMLButtonElement => {
    const made = h('button', { type: 'button', 'aria-label': title, title }, label);
    made.addEventListener('click', act);
    return made;
  };
  const tell = (): void => {
    notes.hidden = !notes.hidden;
    speak.setAttribute('aria-expanded', String(!notes.hidden));
  };
  const back = button('◀', () => show(now() - 1), words.previousSlide);
  const forward = button('▶', () => show(now() + 1), words.nextSlide);
  const speak = button(words.speakerNotes, tell);
  speak.setAttribute('aria-expanded', 'false');
  root.append(
    slide,
    h('footer', { class: 'turns' }, back, count, forward, speak, h('a', { href: location.pathname }, words.back)),
    notes,
  );
  addEventListener('hashchange', () => show(now()));
  addEventListener('keydown', ({ key, target }) => {
    if (key === ' ' && target instanceof HTMLButtonElement) return;
    if (key === 'ArrowRight' || key === ' ' || key === 'PageDown') show(now() + 1);
    else if (key === 'ArrowLeft' || key === 'PageUp') show(now() - 1);
    else if (key === 'Home') show(1);
    else if (key === 'End') show(all.length);
    else if (key === 'n') tell();
  });
  show(now());
}
