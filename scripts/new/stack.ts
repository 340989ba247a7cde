/** A stack of one app and one sidecar, with its first obligations. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findStack, stackNames } from '../lib/stacks.ts';
import { checkName, insertBefore, Refused, titleOf, writeTemplate, type Written } from './template.ts';

/** The first port that is tried for a person. */
const FIRST_PORT = 9701;

/** What a sidecar needs to be ready beside an app that answers on port 8080. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  tls: '    environment:\n      PROXY_PORT: "8080"\n    tmpfs: ["/var/lib/tls:uid=65532"]\n',
  topz: '    environment:\n      TOPZ_ADDRESS: 127.0.0.1:8081\n',
};

/**
 * Write it.
 * @param sidecar a part of the catalogue
 * @throws {Refused} when the name is none or is taken, or there is no such sidecar
 */
export function newStack(root: string, name: string, sidecar: string): Written {
  checkName(root, 'stacks', name);
  if (!existsSync(join(root, 'sidecars', sidecar, 'Dockerfile')))
    throw new Refused(`There is no sidecar ${JSON.stringify(sidecar)}: npm run new -- sidecar NAME makes one.`);
  const port = freePublishedPort(join(root, 'stacks'));
  const words = {
    NAME: name,
    TITLE: titleOf(name),
    SIDECAR: sidecar,
    PADDED: sidecar.padEnd(18).slice(0, 18),
    PUBLISH: String(port),
    ENVIRONMENT: ENVIRONMENT[sidecar] ?? '',
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
