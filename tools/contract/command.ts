/** `contract`: the command line of it. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { annotation } from '../command/annotation.ts';
import { updateFile } from '../files/write.ts';
import { EXIT_FOUND, EXIT_OK, Usage, type Command, type CommandContext } from '../command/command.ts';
import { containersUnder } from './containers.ts';
import { compareDockerfiles, verdict } from './compare.ts';
import { contractMarkdown, fillMarkers, MARKERS } from './docs.ts';
import { NoStage, readDockerfile, type DockerfileFacts } from './dockerfile.ts';
import type { Finding } from './finding.ts';
import { imageOf, lintContainer, lintDockerfile, titleOf, type KnownImage } from './lint.ts';
import { dockerfilesAt, History, NoHistory, readText } from './sources.ts';

const HELP = `Keep an image's contract: what its Dockerfile promises to its users (ENV,
EXPOSE, VOLUME, USER, HEALTHCHECK, STOPSIGNAL, labels).

usage: sidecar-stacks contract lint [PATH…] [OPTION…]
       sidecar-stacks contract diff REF [PATH…] [OPTION…]
       sidecar-stacks contract docs [PATH…] [--write FILE]

lint  Dockerfiles, and the compose files and manifests beside them: secrets in
      ENV, ports that are not exposed, durations without a unit, variables that
      are set and that the image does not declare
diff  what changed since a git ref: what is removed, renamed or gets another
      default is a major change, what is added a minor one; a rename that keeps
      the old name beside the new one is minor. The version label
      (org.opencontainers.image.version) must be raised to match
docs  the contract as Markdown tables

  PATH            a file, or a folder that is searched whole (default: .)
  --target STAGE  the stage, as with docker build
  --json          one JSON document
  --github        GitHub's annotations (default where GITHUB_ACTIONS is set)
  --write FILE    put the tables between ${MARKERS}
                  in this file
  --help

exit code: 0, 1 for an error found or a version that was not raised enough, 2 for
a wrong command line
`;

function commandLine(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { target: { type: 'string' }, json: flag, github: flag, write: { type: 'string' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}
type Values = ReturnType<typeof commandLine>['values'];

export const contractCommand: Command = {
  summary: "keep an image's contract: lint, diff, docs",
  help: () => HELP,
  run(args, context) {
    const { values, positionals } = commandLine(args);
    const [verb, ...rest] = positionals;
    try {
      if (verb === 'lint') return lint(rest, values, context);
      if (verb === 'diff') return diff(rest, values, context);
      if (verb === 'docs') return docs(rest, values, context);
    } catch (error) {
      if (error instanceof NoStage || error instanceof NoHistory) throw new Usage(error.message);
      throw error;
    }
    throw new Usage(`contract takes lint, diff or docs, not ${verb ?? 'nothing'}`);
  },
};

function absolute(paths: readonly string[], { folder }: CommandContext): string[] {
  const all = paths.length === 0 ? ['.'] : paths;
  return all.map((path) => {
    const whole = resolve(folder, path);
    if (!existsSync(whole)) throw new Usage(`there is nothing at ${path}`);
    return whole;
  });
}

const shown = (path: string, { folder }: CommandContext): string => relative(folder, path) || basename(path);

function lint(paths: readonly string[], values: Values, context: CommandContext): number {
  const roots = absolute(paths, context);
  // A file that was named may be a compose file: it is told by its content below.
  const files = [...new Set(roots.flatMap((root) => dockerfilesAt(root)))].filter(
    (file) => !/\.(ya?ml|json)$/.test(file),
  );
  const known: KnownImage[] = files.map((file) => {
    const facts = readDockerfile(readText(file), shown(file, context), values.target);
    const folder = dirname(file);
    return {
      facts,
      file: shown(file, context),
      folder,
      declared: declaredBeside(folder),
      names: [basename(folder), titleOf(facts)].filter((name) => name !== undefined),
    };
  });
  const findings = [
    ...known.flatMap(({ facts, file }) => lintDockerfile(facts, file)),
    ...roots
      .flatMap((root) => containersUnder(root, context))
      .flatMap(({ facts, context }) => lintContainer(facts, imageOf(facts, known, context))),
  ];
  return report(findings, values, context, `${known.length} Dockerfile${known.length === 1 ? '' : 's'}`);
}

/** Parameters of a sidecar's contract.json, with the files that may hold a secret one. */
function declaredBeside(folder: string): string[] {
  const path = join(folder, 'contract.json');
  if (!existsSync(path)) return [];
  try {
    const { parameters = {} } = JSON.parse(readText(path)) as { parameters?: Record<string, unknown> };
    return Object.keys(parameters);
  } catch {
    return [];
  }
}

function report(findings: readonly Finding[], values: Values, context: CommandContext, what: string): number {
  if (values.json) context.out(`${JSON.stringify({ findings }, null, 2)}\n`);
  else if (annotates(values, context)) context.out(findings.map(annotation).join(''));
  else {
    for (const { level, code, file, line, message } of findings)
      context.out(`${file}:${line}: ${level}: ${message} (${code})\n`);
    context.out(`${what}, ${findings.length} finding${findings.length === 1 ? '' : 's'}.\n`);
  }
  return findings.some(({ level }) => level === 'error') ? EXIT_FOUND : EXIT_OK;
}

const annotates = (values: Values, { environment }: CommandContext): boolean =>
  values.github || environment['GITHUB_ACTIONS'] === 'true';

interface Compared {
  readonly file: string;
  readonly changes: ReturnType<typeof compareDockerfiles>;
  readonly verdict: ReturnType<typeof verdict>;
  readonly after: DockerfileFacts | undefined;
}

function diff([ref, ...paths]: readonly string[], values: Values, context: CommandContext): number {
  if (ref === undefined) throw new Usage('diff since which git ref? (diff main)');
  const roots = absolute(paths, context);
  const history = new History(roots[0]!, ref);
  const files = new Set(roots.flatMap((root) => [...dockerfilesAt(root), ...history.under(root)]));
  const compared = [...files].toSorted().flatMap((file) => compareFile(file, history, values, context) ?? []);
  const findings = compared.flatMap(findingsOf);
  if (values.json)
    context.out(
      `${JSON.stringify(
        compared.map(({ file, changes, verdict: each }) => ({ file, changes, ...each })),
        null,
        2,
      )}\n`,
    );
  else if (annotates(values, context)) context.out(findings.map(annotation).join(''));
  else {
    for (const { file, changes, verdict: each } of compared) {
      if (changes.length === 0) continue;
      context.out(
        `${file}: ${each.needed}${each.from === undefined ? '' : `, version ${each.from} to ${each.to ?? 'none'}`}\n`,
      );
      for (const { bump, message } of changes) context.out(`  ${bump}: ${message}\n`);
      if (!each.enough) context.out(`  the version is not raised enough: ${each.needed} is needed\n`);
    }
    if (compared.every(({ changes }) => changes.length === 0)) context.out('No change of a contract.\n');
  }
  return compared.some(({ verdict: each }) => !each.enough) ? EXIT_FOUND : EXIT_OK;
}

function compareFile(
  file: string,
  history: History,
  { target }: Values,
  context: CommandContext,
): Compared | undefined {
  const before = history.read(file);
  if (before === undefined) return undefined;
  const name = shown(file, context);
  const old = readDockerfile(before, name, target);
  if (!existsSync(file))
    return {
      file: name,
      changes: [{ bump: 'major', what: 'image', message: 'the Dockerfile is gone', key: '', gone: true }],
      verdict: { needed: 'major', from: undefined, to: undefined, enough: false },
      after: undefined,
    };
  const after = readDockerfile(readText(file), name, target);
  const changes = compareDockerfiles(old, after);
  return { file: name, changes, verdict: verdict(old, after, changes), after };
}

function findingsOf({ file, changes, verdict: each, after }: Compared): Finding[] {
  return changes.map(({ bump, message, key, what }) => ({
    level: each.enough || bump !== each.needed ? 'note' : 'error',
    code: what.split(' ')[0]!.toLowerCase(),
    file,
    line: after?.lineOf(key) ?? 1,
    message: `${bump}: ${message}`,
  }));
}

function docs(paths: readonly string[], values: Values, context: CommandContext): number {
  const files = absolute(paths, context).flatMap((root) => dockerfilesAt(root));
  if (files.length === 0) throw new Usage('there is no Dockerfile here');
  const content = files
    .map((file) => contractMarkdown(readDockerfile(readText(file), shown(file, context), values.target)))
    .join('\n');
  if (values.write === undefined) {
    context.out(content);
    return EXIT_OK;
  }
  const path = join(context.folder, values.write);
  if (!existsSync(path)) throw new Usage(`there is nothing at ${values.write}`);
  const filled = fillMarkers(readFileSync(path, 'utf8'), content);
  if (filled === undefined) throw new Usage(`${values.write} has no ${MARKERS}`);
  updateFile(path, filled, context.folder);
  return EXIT_OK;
}
