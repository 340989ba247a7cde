/** The command line of `npm run debug`. */
import { parseArgs } from 'node:util';

/** What is asked for; without any of the flags, an overview. */
export type Request =
  | { readonly kind: 'overview' | 'sockets'; readonly service: string | undefined }
  | { readonly kind: 'logs'; readonly service: string; readonly follow: boolean }
  | { readonly kind: 'metrics'; readonly service: string }
  | { readonly kind: 'shell'; readonly service: string | undefined }
  | { readonly kind: 'command'; readonly service: string | undefined; readonly command: readonly string[] };

export type CommandLine = Request & { readonly stack: string; readonly project: string | undefined };

/** The command line is not understood. */
export class Usage extends Error {}

const FLAGS = ['logs', 'metrics', 'sockets', 'shell'] as const;

/**
 * Read it.
 * @param args after the program's name
 * @returns undefined when help is asked for
 * @throws {Usage}
 */
export function readCommandLine(args: readonly string[]): CommandLine | undefined {
  const end = args.indexOf('--');
  const command = end === -1 ? [] : args.slice(end + 1);
  const { values, positionals } = parse(end === -1 ? args : args.slice(0, end));
  if (values.help) return undefined;
  const [stack, service, ...rest] = positionals;
  if (stack === undefined) throw new Usage('Which stack?');
  if (rest.length > 0)
    throw new Usage(`${rest[0]} is one word too many: STACK [SERVICE] is all it takes. A command comes after --`);
  if (end !== -1 && command.length === 0) throw new Usage('There is no command after --');
  const asked = [...FLAGS.filter((flag) => values[flag]), ...(command.length > 0 ? ['--' as const] : [])];
  if (asked.length > 1)
    throw new Usage(`One thing at a time: ${asked.map((each) => (each === '--' ? each : `--${each}`)).join(' or ')}`);
  const common = { stack, project: values.project };
  if (values.follow && asked[0] !== 'logs') throw new Usage('--follow goes with --logs');
  switch (asked[0]) {
    case 'logs':
      return { ...common, kind: 'logs', service: needed(service, '--logs'), follow: values.follow };
    case 'metrics':
      return { ...common, kind: 'metrics', service: needed(service, '--metrics') };
    case 'shell':
      return { ...common, kind: 'shell', service };
    case '--':
      return { ...common, kind: 'command', service, command };
    case 'sockets':
      return { ...common, kind: 'sockets', service };
    default:
      return { ...common, kind: 'overview', service };
  }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        logs: flag,
        follow: flag,
        metrics: flag,
        sockets: flag,
        shell: flag,
        help: flag,
        project: { type: 'string' },
      },
    });
  } catch (error) {
    throw new Usage((error as Error).message.split('. ')[0]);
  }
}

function needed(service: string | undefined, flag: string): string {
  if (service === undefined) throw new Usage(`${flag} is for one container: name its service`);
  return service;
}
