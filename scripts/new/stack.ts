/** A stack of one app and one sidecar, with its first obligations. */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContractDocument, Deployment } from '#kit/contract/contract.ts';
import { findStack, stackNames } from '../lib/stacks.ts';
import { checkName, insertBefore, Refused, titleOf, writeTemplate, type Written } from './template.ts';

/** The first port that is tried for a person. */
const FIRST_PORT = 9701;

/**
 * Write it.
 * @param sidecar a part of the catalogue
 * @throws {Refused} when the name is none or is taken, or there is no such sidecar
 */
export function newStack(root: string, name: string, sidecar: string): Written {
  checkName(root, 'stacks', name);
  if (!existsSync(join(root, 'sidecars', sidecar, 'Dockerfile')))
    throw new Refused(`There is no sidecar ${JSON.stringify(sidecar)}: npm run new -- sidecar NAME makes one.`);
  const { deploy } = JSON.parse(
    readFileSync(join(root, 'sidecars', sidecar, 'contract.json'), 'utf8'),
  ) as ContractDocument;
  if (deploy.example === undefined)
    throw new Refused(
      `${sidecar} needs more beside it than one application${shownBy(root, sidecar)}: begin with a copy of that stack.`,
    );
  const port = freePublishedPort(join(root, 'stacks'));
  const words = {
    NAME: name,
    TITLE: titleOf(name),
    SIDECAR: sidecar,
    PADDED: sidecar.padEnd(18).slice(0, 18),
    PUBLISH: String(port),
    NEEDS: needsOf(deploy),
    PID: deploy.sharesProcesses ? `    pid: service:pod\n    init: false\n` : '',
  };
  const written = writeTemplate(root, 'stack', `stacks/${name}`, words);
  addScripts(join(root, 'package.json'), name);
  insertBefore(join(root, 'Makefile'), /^\ndemo-%:/m, `demo-${name}: ## ${titleOf(name)}\n`);
  return {
    written: [...written, 'package.json', 'Makefile'],
    next: [
      `Run it: npm run stack:${name}`,
      `Now: replace stacks/${name}/services/app by your app, and write its obligations in scenario.ts.`,
      'When it shows something, give it a row in the README.',
    ],
  };
}

/** Keys of the sidecar's service that follow from its contract. */
function needsOf({ example = {}, volumes, sharesProcesses }: Deployment): string {
  const environment = Object.entries(example).map(([name, value]) => `      ${name}: ${JSON.stringify(value)}\n`);
  const state = Object.values(volumes).map((path) => JSON.stringify(`${path}:uid=65532,gid=65532`));
  return [
    sharesProcesses ? '    pid: service:pod\n    init: false\n' : '',
    environment.length > 0 ? `    environment:\n${environment.join('')}` : '',
    // In memory, since a new stack keeps nothing.
    state.length > 0 ? `    tmpfs: [${state.join(', ')}]\n` : '',
  ].join('');
}

/** `, as stacks/NAME shows`, for a stack that has the sidecar. */
function shownBy(root: string, sidecar: string): string {
  const part = new RegExp(`extends: \\{ file: \\S+, service: ${sidecar} \\}`);
  const folder = join(root, 'stacks');
  const shown = stackNames(folder).find((each) =>
    globSync('compose*.yaml', { cwd: join(folder, each) }).some((file) =>
      part.test(readFileSync(join(folder, each, file), 'utf8')),
    ),
  );
  return shown === undefined ? '' : `, as stacks/${shown} shows`;
}

function freePublishedPort(stacks: string): number {
  const pinned = new Set(stackNames(stacks).flatMap((each) => Object.values(findStack(each, stacks).env)));
  let port = FIRST_PORT;
  while (pinned.has(String(port))) port += 1;
  return port;
}

function addScripts(file: string, name: string): void {
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { scripts: Record<string, string> };
  const scripts: Record<string, string> = {};
  for (const [key, command] of Object.entries(manifest.scripts)) {
    // After the last of its kind, so that the list stays in groups.
    if (key === 'demo') scripts[`stack:${name}`] = `node scripts/run.mjs stack ${name}`;
    if (key === 'topz') scripts[`demo:${name}`] = `node scripts/run.mjs demo ${name}`;
    scripts[key] = command;
  }
  writeFileSync(file, `${JSON.stringify({ ...manifest, scripts }, null, 2)}\n`);
}
