/** `?pid=…&format=text`: one process, a fact a line. */
import type { DetailDocument } from './document.ts';
import { missingPrivilege } from './format.ts';

/** One process in detail. */
export function detailText({ process, limits, namespaces, sockets, lacks = {} }: DetailDocument): string {
  const missing = (field: string): string[] => [`  ${missingPrivilege(lacks[field])}`];
  const pairs = Object.entries(process).flatMap(([name, value]) =>
    name === 'lacks' ? [] : [`${name.padEnd(16)} ${value === null ? '-' : String(value)}`],
  );
  const limit = (value: number | null): string => (value === null ? 'unlimited' : String(value));
  return [
    ...pairs,
    ...Object.entries(process.lacks ?? {}).map(([field, privilege]) => `${field}: ${missingPrivilege(privilege)}`),
    '',
    'limits (soft, hard)',
    ...(limits?.map(
      ({ name, soft, hard, unit }) =>
        `  ${name.padEnd(20)} ${limit(soft).padStart(20)} ${limit(hard).padStart(20)} ${unit}`,
    ) ?? missing('limits')),
    '',
    'namespaces',
    ...(namespaces?.map(
      ({ name, inode, shared }) => `  ${name.padEnd(8)} ${inode}${shared ? ' shared with topz' : ''}`,
    ) ?? missing('namespaces')),
    '',
    'sockets',
    ...(sockets?.map(
      ({ protocol, local, remote, state }) =>
        `  ${protocol.padEnd(5)} ${local}${remote && ` -> ${remote}`}${state && ` ${state}`}`,
    ) ?? missing('sockets')),
    '',
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}
