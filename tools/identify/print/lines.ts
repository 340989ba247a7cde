/** The answer for a person at a terminal of 80 columns. */
import { wrap } from '#kit/text/wrap.ts';
import type { Answer, Evidence, Group, Member } from '../model/answer.ts';

export function lines({ groups, notes }: Answer): string {
  const helpers = groups.flatMap(({ containers }) => containers).filter((member) => /sidecar|init/.test(member.class));
  const parts = groups.map(group);
  if (notes.length > 0)
    parts.push(
      notes.map((note) => paragraph(`${note.level}: ${note.file}:${note.line}: ${note.message}`, 0, 2)).join('\n'),
    );
  const sum =
    groups.length === 0
      ? "No containers here share a namespace, or a volume for a helper's sake: no sidecars."
      : `${count(groups.length, 'group')}, ${count(helpers.length, 'helper')}.`;
  return `${[...parts, sum].join('\n\n')}\n`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function group({ source, workload, owner, shares, containers, warnings }: Group): string {
  const shared = [
    ...(shares.network ? ['network'] : []),
    ...(shares.pid ? ['processes'] : []),
    ...(shares.ipc ? ['ipc'] : []),
    ...(shares.volumes.length > 0
      ? [`${shares.volumes.length === 1 ? 'volume' : 'volumes'} ${shares.volumes.join(', ')}`]
      : []),
  ];
  const owned = owner === undefined ? '' : `; ${owner} owns the namespace`;
  const width = Math.max(...containers.map(({ name }) => name.length));
  return [
    `${workload.kind} ${workload.name}  (${source})`,
    paragraph(`shares ${shared.join(', ') || 'nothing that lasts'}${owned}`, 2, 4),
    ...containers.flatMap((member) => memberLines(member, width, source)),
    ...warnings.map(({ level, file, line, code, message }) =>
      paragraph(`${level === 'warning' ? '!' : '·'} ${code}, ${place(file, line, source)}: ${message}`, 2, 4),
    ),
  ].join('\n');
}

function memberLines(member: Member, width: number, source: string): string[] {
  const what = member.class === 'app' ? 'app' : `${member.class}: ${member.role}`;
  const sure = member.class === 'app' || member.class === 'peer' ? '' : `  ${Math.round(member.confidence * 100)} %`;
  const because = member.evidence.slice(0, 2).map((each) => reason(each, source));
  return [`  ${member.name.padEnd(width)}  ${what}${sure}`, ...because.map((text) => paragraph(text, 6, 8))];
}

const reason = ({ text, file, line }: Evidence, source: string): string => `${place(file, line, source)}: ${text}`;
/** The file is said only where it is another. */
const place = (file: string, line: number, source: string): string =>
  file === source ? `line ${line}` : `${file}:${line}`;

/** A paragraph of at most 80 columns: its first line indented by `first`, the others by `rest`. */
const paragraph = (text: string, first: number, rest: number): string =>
  ' '.repeat(first) + wrap(text, rest).join('\n').trimStart();
