/** `identify`: the command line of it. */
import { parseArgs } from 'node:util';
import { EXIT_FOUND, EXIT_OK, printableAll, Usage, type Command } from '../command/command.ts';
import type { Answer } from './model/answer.ts';
import { identify, PathNotFound } from './identify.ts';
import { github } from './print/github.ts';
import { lines } from './print/lines.ts';
import { mermaid } from './print/mermaid.ts';
import { sarif } from './print/sarif.ts';
import { svg } from './print/svg.ts';

const HELP = `Find the sidecars in compose files and Kubernetes manifests: which containers
share something, which of them is the application, what the others do for it,
and how that is known. Needs no engine and no network.

usage: sidecar-stacks identify [PATH…] [OPTION…]

  PATH              a file, or a folder that is searched whole (default: .)
  -f, --file FILE   a compose file, as with docker compose; again for each one
                    that is laid over it
  --profile NAME    only services of this compose profile, and those without
                    one; may be given again (default: all services)
  --env-file FILE   variables for the compose files, instead of .env
  --min-confidence N
                    from here on a container counts as a helper, 0 to 1
                    (default: 0.5)
  --fail-on LEVEL   exit with 1 when there is a note, warning or error
  --json            everything as one JSON document
  --mermaid         a diagram for Markdown
  --svg             a picture
  --sarif           warnings for code scanning
  --github          warnings as GitHub's annotations
  --help

exit code: 0, 1 where --fail-on found something, 2 for a wrong command line
`;

type Print = (answer: Answer) => string;
const FORMATS: Readonly<Record<string, Print>> = {
  json: (answer) => `${JSON.stringify(answer, null, 2)}\n`,
  mermaid,
  svg,
  sarif,
  github,
};
const LEVELS = ['note', 'warning', 'error'] as const;

function commandLine(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const list = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: { ...list, short: 'f' },
        profile: list,
        'env-file': list,
        'min-confidence': { type: 'string' },
        'fail-on': { type: 'string' },
        json: flag,
        mermaid: flag,
        svg: flag,
        sarif: flag,
        github: flag,
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

export const identifyCommand: Command = {
  summary: 'find sidecars in compose files and Kubernetes manifests',
  help: () => HELP,
  run(args, { folder, environment, out }) {
    const { values, positionals } = commandLine(args);
    const formats = Object.keys(FORMATS).filter((name) => values[name as 'json']);
    if (formats.length > 1) throw new Usage(`one format at a time, not ${formats.join(' and ')}`);
    const failOn = level(values['fail-on']);
    const paths = positionals.length === 0 && values.file === undefined ? ['.'] : positionals;
    let answer: Answer;
    try {
      answer = identify(paths, {
        base: folder,
        environment,
        minConfidence: confidence(values['min-confidence']),
        ...(values.file && { composeFiles: values.file }),
        ...(values.profile && { profiles: values.profile }),
        ...(values['env-file'] && { envFiles: values['env-file'] }),
      });
    } catch (error) {
      if (error instanceof PathNotFound) throw new Usage(`there is nothing at ${error.message}`);
      throw error;
    }
    out((FORMATS[formats[0] ?? ''] ?? lines)(values.json ? answer : printableAll(answer)));
    return failOn !== undefined && found(answer, failOn) ? EXIT_FOUND : EXIT_OK;
  },
};

function level(value: string | undefined): (typeof LEVELS)[number] | undefined {
  if (value === undefined) return undefined;
  const known = LEVELS.find((name) => name === value);
  if (!known) throw new Usage(`--fail-on takes ${LEVELS.join(', ')}, not "${value}"`);
  return known;
}

function confidence(value: string | undefined): number {
  if (value === undefined) return 0.5;
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1))
    throw new Usage(`--min-confidence takes a number from 0 to 1, not "${value}"`);
  return number;
}

function found({ groups, notes }: Answer, least: (typeof LEVELS)[number]): boolean {
  const from = LEVELS.indexOf(least);
  return [...groups.flatMap(({ warnings }) => warnings), ...notes].some(
    ({ level: own }) => LEVELS.indexOf(own) >= from,
  );
}
