/** Kinds of applications, each with a gate of its own that is found by what the repository holds. */
import * as assert from 'uvu/assert';
import type { Files } from '../../../scripts/lib/developer.ts';
import { version, withDeadLink, withDependency, withForgedLock } from '../lib/versions.ts';
import { becomes, current, developerOf, next, page, release, type Must, type Stage } from './stage.ts';

/** Push what must be refused; what the push says. */
async function refusedBy(stage: Stage, make: (which: number) => Files): Promise<string> {
  const { said } = await (await developerOf(stage.project)).publishAndWait(make(next()));
  assert.match(said, / !     [0-9a-f]{7} is refused by the gate\n/);
  await becomes(stage, current());
  return said;
}

/** The page of requirements.txt's only package, as pip sees it in the stack's index. */
const lineOf = (files: Files, change: (line: string) => string): Files => ({
  ...files,
  'requirements.txt': `${change(files['requirements.txt']!.trim())}\n`,
});

export function kinds(must: Must): void {
  must(
    'install what the lockfile names from the registry of the house, and nothing else',
    {
      say: 'A version that needs a package. The gate installs what its lockfile names, from the registry that a setting names.',
    },
    async (stage) => {
      await release(stage, withDependency);
      assert.match(await page(stage), 'Two days are 172800000 ms.');
      assert.match(await refusedBy(stage, withForgedLock), /EINTEGRITY/);
      const without = await refusedBy(stage, (which) => {
        const { 'package-lock.json': _lock, ...files } = withDependency(which);
        return files;
      });
      assert.match(without, 'package-lock.json is missing: run npm install, and commit it.');
    },
  );

  must(
    'run a Python application with a package of its own',
    {
      say: 'The next push is a program for Python. No setting says so: the gate is chosen by the files of the repository.',
      within: 300_000,
    },
    async (stage) => {
      const python = (which: number): Files => version(which, 'python');
      await release(stage, python);
      assert.match(await page(stage), /Python and bottle \d/);
      const hashed = await refusedBy(stage, (which) =>
        lineOf(python(which), (line) => `${line}==0.13.2 --hash=sha256:${'0'.repeat(64)}`),
      );
      assert.match(hashed, /THESE PACKAGES DO NOT MATCH THE HASHES/);
      const failing = await refusedBy(stage, (which) => {
        const files = python(which);
        return { ...files, 'app.py': files['app.py']!.replace('<h1>{VERSION}</h1>', '') };
      });
      assert.match(failing, /FAIL: test_it_shows_its_version/);
    },
  );

  must(
    'serve a site of files',
    { say: 'Then a site of files, which nginx serves. Its gate follows every link.' },
    async (stage) => {
      await release(stage, (which) => version(which, 'static'));
      const about = await fetch(`http://127.0.0.1:${stage.port('APP')}/about/`, { signal: AbortSignal.timeout(5000) });
      assert.match(await about.text(), 'the first page');
      const hidden = await fetch(`http://127.0.0.1:${stage.port('APP')}/.start`, { signal: AbortSignal.timeout(5000) });
      assert.is(hidden.status, 404, 'what the gate left is not served');
      assert.match(await refusedBy(stage, withDeadLink), 'index.html links to contact/, which is not there');
    },
  );

  must(
    'say what it knows when it knows nothing of what was pushed',
    { say: 'A repository that is no application is refused, with what is accepted.' },
    async (stage) => {
      const said = await refusedBy(stage, () => ({ 'README.md': 'nothing' }));
      assert.match(said, /No application is found\.[^]*Python +app\.py[^]*a site +index\.html/);
      await release(stage);
    },
  );
}
