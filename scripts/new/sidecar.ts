/** A sidecar that does next to nothing, and has all that one has. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkName, insertBefore, titleOf, writeTemplate, type Written } from './template.ts';

/** The first admin port that is tried; those of the house's sidecars lie below. */
const FIRST_PORT = 9991;

/**
 * Write it.
 * @throws {Refused} when the name is none, or is taken
 */
export function newSidecar(root: string, name: string): Written {
  checkName(root, 'sidecars', name);
  const words = {
    NAME: name,
    TITLE: titleOf(name),
    PREFIX: name.toUpperCase().replaceAll('-', '_'),
    METRIC: name.replaceAll('-', '_'),
    PORT: String(freeAdminPort(root)),
  };
  const written = writeTemplate(root, 'sidecar', `sidecars/${name}`, words);
  insertBefore(join(root, 'compose.yaml'), /^ {2}# --- legacy apps/m, part(name));
  addToChangelog(join(root, 'CHANGELOG.md'), name);
  return {
    written: [...written, 'compose.yaml', 'CHANGELOG.md'],
    next: [
      `Now: say what it does in sidecars/${name}/src/contract.ts, do it in src/main.ts, and after each change of the`,
      `contract: npm run contract -- write ${name}`,
      `Its test: npm test -- sidecars/${name}/src/main.test.ts`,
      `A stack that proves it: npm run new -- stack ${name}-stack ${name}`,
    ],
  };
}

/** Its part in the catalogue. */
const part = (name: string): string => `  ${name}:
    <<: *hardened
    image: sidecar-stacks/${name}:\${IMAGE_TAG:-dev}
    build:
      context: sidecars/${name}
      args:
        SIDECAR_BASE: \${SIDECAR_BASE:-sidecar-stacks/node:26}
    restart: unless-stopped
    healthcheck: *sidecar-health
    labels:
      dev.sidecar-stacks.role: sidecar

`;

/** Its section, in the order of names. */
function addToChangelog(file: string, name: string): void {
  const section = `## ${name}\n\n### 0.1.0\n\n- The first contract.\n`;
  const [head = '', ...sections] = readFileSync(file, 'utf8')
    .trimEnd()
    .split(/^(?=## )/m);
  const sorted = [...sections, section].toSorted((a, b) => (a < b ? -1 : 1));
  writeFileSync(file, `${[head, ...sorted].map((each) => each.trimEnd()).join('\n\n')}\n`);
}

/** One that no other sidecar has: in a pod all listen side by side. */
function freeAdminPort(root: string): number {
  const taken = new Set(
    globSync('sidecars/*/Dockerfile', { cwd: root }).map(
      (file) => /\bADMIN_PORT=(\d+)/.exec(readFileSync(join(root, file), 'utf8'))?.[1],
    ),
  );
  let port = FIRST_PORT;
  while (taken.has(String(port))) port += 1;
  return port;
}
