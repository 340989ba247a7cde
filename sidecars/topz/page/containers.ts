/** A card for each container: what it uses, now and in the last minutes. */
import type { GroupDocument } from '../src/view/document.ts';
import { elapsedText } from '../src/view/format.ts';
import { h, setAttributes, setChildren, setText } from '#kit/page/dom.ts';
import { plots } from '#kit/page/plot.ts';

interface Card {
  readonly element: HTMLElement;
  update(group: GroupDocument, now: number, chosen: boolean, tops: Tops): void;
}

/** The largest values of all containers: one scale for all cards, so that they can be compared. */
interface Tops {
  readonly cpu: number;
  readonly memory: number;
}

function topsOf(groups: readonly GroupDocument[]): Tops {
  const largest = (values: (group: GroupDocument) => readonly (number | null)[]): number =>
    groups.reduce((most, group) => values(group).reduce<number>((top, each) => Math.max(top, each ?? 0), most), 0);
  return {
    cpu: largest(({ history }) => history?.cpu_percent ?? []),
    memory: largest(({ history }) => history?.resident_bytes ?? []),
  };
}

/**
 * The cards.
 * @param choose is called with a container's id when its card is clicked
 */
export function containers(choose: (id: string) => void): {
  readonly element: HTMLElement;
  update(groups: readonly GroupDocument[], time: string, chosen: string): void;
} {
  const element = h('section', { class: 'containers', 'aria-label': 'Containers' });
  const cards = new Map<string, Card>();
  return {
    element,
    update(groups, time, chosen) {
      const tops = topsOf(groups);
      const shown = groups.map((group) => {
        const known = cards.get(group.id) ?? card(group.id, choose);
        cards.set(group.id, known);
        known.update(group, Date.parse(time), group.id === chosen, tops);
        return known.element;
      });
      for (const id of cards.keys()) if (!groups.some((group) => group.id === id)) cards.delete(id);
      setChildren(element, shown);
    },
  };
}

function card(id: string, choose: (id: string) => void): Card {
  const name = h('button', { type: 'button', title: 'Show only the processes of this container' });
  const label = h('code', {}, id);
  const facts = h('p');
  const drawing = plots();
  const element = h('article', { 'data-container': id }, h('header', {}, name, label), ...drawing.elements, facts);
  name.addEventListener('click', () => choose(id));
  return {
    element,
    update(group, now, chosen, tops) {
      setText(name, group.name);
      setText(label, group.container ?? id);
      setAttributes(name, { 'aria-pressed': String(chosen) });
      const { processors_limit: processors, memory_limit_bytes: memory } = group;
      if (group.history)
        drawing.update(
          group.history,
          { top: tops.cpu, limit: typeof processors === 'number' ? processors * 100 : null },
          { top: tops.memory, limit: memory },
        );
      const up = elapsedText(Math.max(0, Math.floor((now - Date.parse(group.started)) / 1000)));
      setText(
        facts,
        [
          count(group.processes, 'process', 'processes'),
          count(group.threads, 'thread', 'threads'),
          ...(group.open_files === null ? [] : [count(group.open_files, 'file', 'files')]),
          `up ${up}`,
          ...(group.restarts > 0 ? [count(group.restarts, 'restart', 'restarts')] : []),
        ].join(' · '),
      );
    },
  };
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;
