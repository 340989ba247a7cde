/** All processes. */
import type { OverviewDocument } from '../src/view/document.ts';
import { elapsedText } from '../src/view/format.ts';
import { arrange } from './arrange.ts';
import { COLUMNS } from './columns.ts';
import { containers } from './containers.ts';
import { h, setAttributes, setText } from '#kit/page/dom.ts';
import { follow } from '#kit/page/live.ts';
import { bytes } from '#kit/page/plot.ts';
import { table, type Section } from './table.ts';

/** What the reader chose; kept in the address, so that it can be passed on. */
interface Choice {
  sort: string;
  descending: boolean;
  filter: string;
  tree: boolean;
  grouped: boolean;
  container: string;
}

/** Fill the page and keep it up to date. */
export function overview(root: HTMLElement): void {
  const choice = readChoice();
  let document_: OverviewDocument | undefined;

  const summary = h('p', { class: 'summary' });
  const note = h('p', { class: 'note' });
  const trouble = h('p', { class: 'problem', role: 'alert' });
  const empty = h('p', { class: 'note' }, 'No process matches.');
  const cards = containers((id) => change({ container: choice.container === id ? '' : id }));
  const processes = table(({ key, number }) =>
    change({
      sort: key,
      descending: choice.sort === key ? !choice.descending : number && key !== 'pid' && key !== 'ppid',
    }),
  );
  const filter = h('input', {
    type: 'search',
    name: 'filter',
    placeholder: 'Filter: words in command, user, container…',
    'aria-label': 'Filter',
  });
  filter.value = choice.filter;
  filter.addEventListener('input', () => change({ filter: filter.value }));
  const tree = toggle('tree', 'Tree', choice.tree, (on) => change({ tree: on }));
  const grouped = toggle('grouped', 'By container', choice.grouped, (on) => change({ grouped: on }));
  const live = follow<OverviewDocument>('/topz?format=json&history', (answer) => {
    document_ = answer;
    draw();
  });
  root.replaceChildren(
    h('header', { class: 'top' }, h('h1', {}, 'topz'), summary, live),
    trouble,
    cards.element,
    h(
      'div',
      { class: 'controls' },
      filter,
      grouped,
      tree,
      h('a', { href: '?format=text' }, 'text'),
      h('a', { href: '?format=json' }, 'json'),
    ),
    processes.element,
    empty,
    note,
  );

  function change(part: Partial<Choice>): void {
    Object.assign(choice, part);
    writeChoice(choice);
    draw();
  }

  function draw(): void {
    if (document_ === undefined) return;
    const {
      groups,
      processes: all,
      processors,
      memory_bytes: memory,
      load,
      uptime_seconds: uptime,
      omitted,
      problem,
    } = document_;
    const cpu = all.reduce((sum, { cpu_percent: percent }) => sum + (percent ?? 0), 0);
    setText(
      summary,
      `${all.length} processes in ${groups.length} containers · CPU ${cpu.toFixed(0)} of ${processors * 100} % · load ${load.map((each) => each.toFixed(2)).join(' ')} · ${bytes(memory)} memory · up ${elapsedText(Math.floor(uptime))}${omitted > 0 ? ` · ${omitted} processes left out` : ''}`,
    );
    setText(trouble, problem ?? '');
    setAttributes(trouble, { hidden: problem === undefined });
    cards.update(groups, document_.time, choice.container);
    const names = new Map(groups.map(({ id, name, container = '' }) => [id, `${name} ${container}`]));
    const column = COLUMNS.find(({ key }) => key === choice.sort) ?? COLUMNS[0]!;
    const chosen = choice.container === '' ? all : all.filter(({ group }) => group === choice.container);
    const placed = arrange(chosen, { ...choice, order: column.order }, ({ group }) => names.get(group) ?? '');
    const sections: Section[] = choice.grouped
      ? groups
          .map((group) => ({ group, rows: placed.filter(({ process }) => process.group === group.id) }))
          .filter(({ rows }) => rows.length > 0)
      : [{ group: undefined, rows: placed }];
    processes.update(sections, choice.sort, choice.descending);
    setAttributes(empty, { hidden: placed.length > 0 });
    const privileges = new Set(
      all.flatMap(({ lacks = {} }) => Object.entries(lacks).map(([field, privilege]) => `${field} (${privilege})`)),
    );
    setText(
      note,
      privileges.size === 0
        ? ''
        : `Of some processes topz may not read: ${[...privileges].join(', ')}. The capability would do, or the same user and group.`,
    );
  }
}

function toggle(name: string, text: string, on: boolean, change: (on: boolean) => void): HTMLElement {
  const box = h('input', { type: 'checkbox', name });
  box.checked = on;
  box.addEventListener('change', () => change(box.checked));
  return h('label', {}, box, ` ${text}`);
}

function readChoice(): Choice {
  const from = new URLSearchParams(location.hash.slice(1));
  return {
    sort: from.get('sort') ?? 'cpu',
    descending: from.get('order') !== 'up',
    filter: from.get('filter') ?? '',
    tree: from.has('tree'),
    grouped: !from.has('flat'),
    container: from.get('container') ?? '',
  };
}

function writeChoice({ sort, descending, filter, tree, grouped, container }: Choice): void {
  const to = new URLSearchParams();
  if (sort !== 'cpu') to.set('sort', sort);
  if (!descending) to.set('order', 'up');
  if (filter !== '') to.set('filter', filter);
  if (tree) to.set('tree', '');
  if (!grouped) to.set('flat', '');
  if (container !== '') to.set('container', container);
  history.replaceState(null, '', `${location.pathname}${location.search}#${to.toString()}`);
}
