/** The groups as a picture: a box a group, the application beside its helpers. */
import type { Answer, Group, Member } from '../model/answer.ts';

const WIDTH = 760;
const MARGIN = 20;
const BOX = { width: 200, height: 44, gap: 14 };
const HEAD = 52;
const COLOURS: Readonly<Record<string, string>> = {
  app: '#dbeafe',
  peer: '#e5e7eb',
  pause: '#e5e7eb',
  sidecar: '#dcfce7',
  'native-sidecar': '#dcfce7',
  init: '#fef3c7',
};

export function svg({ groups }: Answer): string {
  let y = MARGIN;
  const parts = groups.map((group) => {
    const { text, height } = groupPicture(group, y);
    y += height + MARGIN;
    return text;
  });
  if (groups.length === 0) {
    parts.push(label(MARGIN, y + 16, 'No containers here share anything for a helper’s sake.', 14));
    y += 40;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" role="img">
<title>Sidecars</title>
<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

function groupPicture(group: Group, top: number): { text: string; height: number } {
  const apps = group.containers.filter((member) => member.class === 'app' || member.class === 'peer');
  const helpers = group.containers.filter((member) => !apps.includes(member));
  const rows = Math.max(apps.length, helpers.length, 1);
  const warnings = [...new Set(group.warnings.filter(({ level }) => level === 'warning').map(({ code }) => code))];
  const height = HEAD + rows * (BOX.height + BOX.gap) + (warnings.length > 0 ? 26 : 6);
  const shares = Object.entries(group.shares)
    .flatMap(([name, value]) =>
      value === true ? [name] : Array.isArray(value) && value.length > 0 ? [`volumes ${value.join(', ')}`] : [],
    )
    .join(', ');
  const at = (column: number, row: number): [number, number] => [
    MARGIN + 20 + column * (BOX.width + 220),
    top + HEAD + row * (BOX.height + BOX.gap),
  ];
  const arrows = helpers.map((member, row) => {
    const [x, y] = at(1, row);
    const [ax, ay] = at(0, Math.min(row, Math.max(apps.length - 1, 0)));
    const [fromX, fromY, toX, toY] = [x, y + BOX.height / 2, ax + BOX.width, ay + BOX.height / 2];
    if (apps.length === 0) return '';
    return `<path d="M${fromX} ${fromY} L${toX + 6} ${toY}" stroke="#6b7280" fill="none"/><path d="M${toX} ${toY} l10 -5 v10 z" fill="#6b7280"/>${label((fromX + toX) / 2, (fromY + toY) / 2 - 6, member.role, 12, 'middle')}`;
  });
  const text = [
    `<rect x="${MARGIN}" y="${top}" width="${WIDTH - 2 * MARGIN}" height="${height}" rx="8" fill="#f9fafb" stroke="#9ca3af"/>`,
    label(MARGIN + 12, top + 22, `${group.workload.kind} ${group.workload.name}`, 15, 'start', true),
    label(MARGIN + 12, top + 40, cut(`${group.source} · shares ${shares || 'nothing that lasts'}`, 100), 12, 'start'),
    ...arrows,
    ...apps.map((member, row) => box(member, ...at(0, row))),
    ...helpers.map((member, row) => box(member, ...at(1, row))),
    ...(warnings.length > 0
      ? [label(MARGIN + 12, top + height - 10, cut(`! ${warnings.join(', ')}`, 105), 12, 'start', false, '#b45309')]
      : []),
  ].join('\n');
  return { text, height };
}

function box(member: Member, x: number, y: number): string {
  return `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6" fill="${COLOURS[member.class] ?? '#ffffff'}" stroke="#374151"/>
${label(x + BOX.width / 2, y + 19, cut(member.name, 28), 13, 'middle', true)}
${label(x + BOX.width / 2, y + 35, member.class, 11, 'middle')}`;
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function label(
  x: number,
  y: number,
  text: string,
  size: number,
  anchor = 'start',
  bold = false,
  colour = '#111827',
): string {
  const escaped = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="${colour}"${bold ? ' font-weight="600"' : ''}>${escaped}</text>`;
}
