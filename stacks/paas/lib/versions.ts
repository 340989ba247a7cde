/** Versions of the application, as a developer would push them: good ones, and each kind of bad one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Files } from '../../../scripts/lib/developer.ts';

const APPS = join(import.meta.dirname, '../apps');

/** The files of an application in apps. */
const filesOf = (kind: string): Files =>
  Object.fromEntries(
    readdirSync(join(APPS, kind), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(join(APPS, kind), path), readFileSync(path, 'utf8')] as const),
  );

/** How many files of a big version say which version it is. */
const PARTS = 40;

/** What all parts of a version's page say. */
export const called = (number: number): string => `Version ${number}`;

/** What the applications in apps are written for. */
export type Kind = 'node' | 'python' | 'static';

/** A good version. All its files that reach the page bear its number. */
export function version(number: number, kind: Kind = 'node'): Files {
  return Object.fromEntries(
    Object.entries(filesOf(kind)).map(([name, text]) => [name, text.replaceAll(called(1), called(number))]),
  );
}

/** It does not parse. */
export const withSyntaxError = (number: number): Files =>
  edit(version(number), 'page.js', (text) => `${text}\nconst = ;\n`);

/** It parses, and its test fails. */
export const withFailingTest = (number: number): Files =>
  edit(version(number), 'page.js', (text) => text.replace('<h1>${version}</h1>', '<h1>coming soon</h1>'));

/** It passes every check, starts, and crashes. */
export const thatCrashes = (number: number): Files =>
  edit(version(number), 'server.js', (text) => `${text}\nsetTimeout(() => missing.function(), 100);\n`);

/** It keeps its port for a second after it was asked to end. */
export const thatEndsSlowly = (number: number): Files =>
  edit(version(number), 'server.js', (text) =>
    text.replace('() => server.close()', '() => setTimeout(() => process.exit(0), 1000)'),
  );

/** It needs a package: ms, whose answer is on the page. */
export function withDependency(number: number): Files {
  const files = version(number);
  const manifest = { ...(JSON.parse(files['package.json']!) as object), dependencies: { ms: '2.1.3' } };
  const lock = {
    name: 'app',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': manifest, 'node_modules/ms': installed('ms') },
  };
  return {
    ...edit(
      files,
      'page.js',
      (text) =>
        `import ms from 'ms';\n${text.replace('<h1>${version}</h1>', "<h1>${version}</h1>\n  <p>Two days are ${ms('2 days')} ms.</p>")}`,
    ),
    'package.json': JSON.stringify(manifest, null, 2),
    'package-lock.json': JSON.stringify(lock, null, 2),
  };
}

/** Its lockfile names other bytes than the registry has. */
export function withForgedLock(number: number): Files {
  const files = withDependency(number);
  return edit(files, 'package-lock.json', (text) => text.replace(/"sha512-[^"]+"/, `"sha512-${'A'.repeat(86)}=="`));
}

/** A site with a link that leads nowhere. */
export const withDeadLink = (number: number): Files =>
  edit(version(number, 'static'), 'index.html', (text) => text.replace('about/', 'contact/'));

/** A good version of many files, which all say which version it is; `watch` of the tools reads them. */
export const inParts = (number: number): Files => ({
  ...version(number),
  parts: String(PARTS),
  ...Object.fromEntries(Array.from({ length: PARTS }, (_, index) => [`part-${index}`, `${called(number)}\n`])),
});

function edit(files: Files, name: string, change: (text: string) => string): Files {
  const before = files[name]!;
  const after = change(before);
  if (after === before) throw new Error(`${name} is not what this change was made for`);
  return { ...files, [name]: after };
}

/** A package as this project's own lock file has it: the same tarball that the stack's registry holds. */
function installed(name: string): { version: string; resolved: string; integrity: string } {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const { version: number, integrity } = lock.packages[`node_modules/${name}`]!;
  return { version: number, resolved: `https://registry.npmjs.org/${name}/-/${name}-${number}.tgz`, integrity };
}
