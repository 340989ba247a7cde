/** The table of processes; rows stay the same elements from look to look. */
import type { GroupDocument, ProcessDocument } from '../src/view/document.ts';
import type { TreeRow } from '../src/view/tree.ts';
import { missingPrivilege } from '../src/view/format.ts';
import { COLUMNS, type Column } from './columns.ts';
import { h, setAttributes, setChildren, setText } from '#kit/page/dom.ts';

interface Row {
  readonly element: HTMLTableRowElement;
  update(placed: TreeRow): void;
}

export interface Section {
  /** Undefined for one section with everything. */
  readonly group: GroupDocument | undefined;
  readonly rows: readonly TreeRow[];
}

/**
 * The table.
 * @param sortBy is called with a column when its heading is clicked
 */
export function table(sortBy: (column: Column) => void): {
  readonly element: HTMLElement;
  update(sections: readonly Section[], sort: string, descending: boolean): void;
} {
  const headings = COLUMNS.map((column) => {
    const button = h('button', { type: 'button', title: column.meaning }, column.title);
    button.addEventListener('click', () => sortBy(column));
    return h('th', { scope: 'col', 'data-key': column.key, class: column.number ? 'number' : 'text' }, button);
  });
  const element = h('table', {}, h('thead', {}, h('tr', {}, ...headings)));
  const head = element.tHead!;
  const bodies = new Map<string, Body>();
  const rows = new Map<string, Row>();

  return {
    element: h('div', { class: 'scroll' }, element),
    update(sections, sort, descending) {
      COLUMNS.forEach(({ key }, index) =>
        setAttributes(headings[index]!, { 'aria-sort': key === sort && (descending ? 'descending' : 'ascending') }),
      );
      const used = new Set<string>();
      const shown = sections.map(({ group, rows: placed }) => {
        const id = group?.id ?? '';
        const body = bodies.get(id) ?? makeBody();
        bodies.set(id, body);
        const lines = placed.map((each) => {
          const key = `${each.process.pid} ${each.process.started}`;
          const row = rows.get(key) ?? makeRow(each.process);
          rows.set(key, row);
          used.add(key);
          row.update(each);
          return row.element;
        });
        body.update(group, lines);
        return body.element;
      });
      for (const key of rows.keys()) if (!used.has(key)) rows.delete(key);
      for (const id of bodies.keys()) if (!sections.some(({ group }) => (group?.id ?? '') === id)) bodies.delete(id);
      setChildren(element, [head, ...shown]);
    },
  };
}

interface Body {
  readonly element: HTMLTableSectionElement;
  update(group: GroupDocument | undefined, rows: readonly HTMLTableRowElement[]): void;
}

function makeBody(): Body {
  const name = h('th', { colspan: String(COLUMNS.length), scope: 'rowgroup' });
  const title = h('tr', { class: 'group' }, name);
  const element = h('tbody');
  return {
    element,
    update(group, rows) {
      if (group) setText(name, `${group.name} · ${group.id}`);
      setAttributes(element, { 'data-container': group?.id ?? false });
      setChildren(element, group ? [title, ...rows] : rows);
    },
  };
}

function makeRow({ pid }: ProcessDocument): Row {
  const link = h('a', { href: `?pid=${pid}`, title: 'Limits, namespaces and sockets' });
  const cells = COLUMNS.map(({ key, number }) =>
    h('td', { class: number ? 'number' : key }, ...(key === 'pid' ? [link] : [])),
  );
  const element = h('tr', { 'data-pid': String(pid) }, ...cells);
  return {
    element,
    update({ process, depth }) {
      setAttributes(element, { 'data-state': process.state });
      COLUMNS.forEach((column, index) => {
        const cell = cells[index]!;
        const text = column.text(process);
        setText(column.key === 'pid' ? link : cell, column.key === 'command' ? `${branch(depth)}${text}` : text);
        const privilege = process.lacks?.[column.field ?? ''];
        if (privilege !== undefined)
          setAttributes(cell, { title: missingPrivilege(privilege), 'data-lacks': privilege });
        if (column.key === 'command') setAttributes(cell, { title: text });
        if (column.key === 'cpu') cell.classList.toggle('hot', (process.cpu_percent ?? 0) >= 50);
      });
    },
  };
}

const branch = (depth: number): string => (depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `);
