/** The table of commands for people: what becomes of each command of Valkey 8. */
import { allCommands, routeOf, type Route } from './rules.ts';

const TITLES: Readonly<Record<Route, string>> = {
  keys: 'Passed to the server of its keys, on a connection that clients share',
  any: 'Passed to any server',
  slow: 'Passed to the server of its keys, on a connection that it has alone meanwhile (`SLOW_TIMEOUT`)',
  own: 'On a connection of the client’s own, because it waits',
  split: 'Split: each key to its server, one answer',
  all: 'Sent to all servers, one answer',
  local: 'Answered by the ambassador, or in several steps',
  admin: 'With `ADMIN_COMMANDS=relay` to all servers, one answer, or to the server of its keys; otherwise refused',
  refused: 'Refused by an error',
};

/** In Markdown. */
export function commandTable(): string {
  const names = allCommands();
  // A container without a rule of its own is what its subcommands are.
  const containers = new Set(names.flatMap((name) => (name.includes('|') ? [name.split('|')[0]!] : [])));
  const rows = Object.entries(TITLES).map(([route, title]) => {
    const own = names.filter((name) =>
      name.includes('|')
        ? routeOf(name) === route && (routeOf(name.split('|')[0]!) !== 'local' || name.endsWith('|HELP'))
        : routeOf(name) === route && !(route === 'refused' && containers.has(name) && hasRules(name, names)),
    );
    return `| ${title} | ${own.map((name) => `\`${name.replace('|', ' ')}\``).join(' ')} |\n`;
  });
  return `# Commands\n\nEvery command of Valkey 8.1 and its subcommands, as the server lists them. Commands of the same row of later versions\nwork alike where their keys do; every other name is refused.\n\n| What happens | Commands |\n| --- | --- |\n${rows.join('')}`;
}

const hasRules = (container: string, names: readonly string[]): boolean =>
  names.some((name) => name.startsWith(`${container}|`) && routeOf(name) !== 'refused');
