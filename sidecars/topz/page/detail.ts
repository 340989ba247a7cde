/** One process: its limits, namespaces and sockets, as far as they may be read. */
import type { DetailDocument } from '../src/view/document.ts';
import { elapsedText, missingPrivilege } from '../src/view/format.ts';
import { h, setText } from '#kit/page/dom.ts';
import { follow } from '#kit/page/live.ts';
import { bytes, plots } from '#kit/page/plot.ts';

/** Fill the page and keep it up to date. */
export function detail(root: HTMLElement, pid: string): void {
  const title = h('h1', {}, `process ${pid}`);
  const command = h('pre', { class: 'command' });
  const facts = h('dl');
  const drawing = plots();
  const early = h('p', { class: 'note' }, 'Plots begin with its second sample.');
  const limits = h('div');
  const namespaces = h('div');
  const sockets = h('div');
  const live = follow<DetailDocument>(`/topz?pid=${pid}&format=json`, (document) => {
    const { process, lacks = {} } = document;
    setText(title, `${process.name} · ${process.pid}`);
    setText(command, process.command);
    facts.replaceChildren(...factsOf(document).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
    early.hidden = document.history !== null;
    if (document.history) drawing.update(document.history);
    limits.replaceChildren(
      rows(
        ['', 'soft', 'hard'],
        document.limits?.map(({ name, soft, hard, unit }) => [
          `${name}${unit && `, ${unit}`}`,
          limit(soft),
          limit(hard),
        ]),
        lacks['limits'],
      ),
    );
    namespaces.replaceChildren(
      rows(
        ['', 'inode', ''],
        document.namespaces?.map(({ name, inode, shared }) => [name, String(inode), shared ? 'shared with topz' : '']),
        lacks['namespaces'],
      ),
    );
    sockets.replaceChildren(
      rows(
        ['', 'here', 'there', ''],
        document.sockets?.map(({ protocol, local, remote, state }) => [protocol, local, remote, state]),
        lacks['sockets'],
      ),
    );
  });
  root.replaceChildren(
    h(
      'header',
      { class: 'top' },
      title,
      h('p', { class: 'summary' }, h('a', { href: '/topz' }, 'all processes')),
      live,
    ),
    command,
    h('section', { class: 'containers' }, h('article', {}, ...drawing.elements, early)),
    facts,
    h(
      'div',
      { class: 'details' },
      section('Sockets', sockets),
      section('Namespaces', namespaces),
      section('Limits', limits),
    ),
  );
}

function factsOf({ process }: DetailDocument): [string, string][] {
  const { lacks = {} } = process;
  return [
    ['parent', String(process.ppid)],
    ['container', process.group],
    [
      'user',
      lacks['user']
        ? `${process.uid} (its name ${missingPrivilege(lacks['user'])})`
        : process.user === String(process.uid)
          ? process.user
          : `${process.user} (${process.uid})`,
    ],
    ['state', process.state],
    ['CPU', `${process.cpu_percent?.toFixed(1) ?? '–'} %, ${process.cpu_seconds.toFixed(2)} s in all`],
    ['memory', `${bytes(process.resident_bytes)}, ${process.memory_percent.toFixed(1)} %`],
    ['threads', String(process.threads)],
    ['open files', process.open_files === null ? missingPrivilege(lacks['open_files']) : String(process.open_files)],
    [
      'started',
      `${process.started.replace('T', ' ').replace('Z', ' UTC')}, ${elapsedText(process.elapsed_seconds)} ago`,
    ],
  ];
}

const section = (title: string, content: HTMLElement): HTMLElement => h('section', {}, h('h2', {}, title), content);

const limit = (value: number | null): string => (value === null ? 'unlimited' : String(value));

function rows(
  titles: readonly string[],
  lines: readonly (readonly string[])[] | undefined,
  lacks: string | undefined,
): HTMLElement {
  if (lines === undefined) return h('p', { class: 'note' }, missingPrivilege(lacks));
  if (lines.length === 0) return h('p', { class: 'note' }, 'none');
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...titles.map((title) => h('th', { scope: 'col' }, title)))),
    h('tbody', {}, ...lines.map((line) => h('tr', {}, ...line.map((cell) => h('td', {}, cell))))),
  );
}
