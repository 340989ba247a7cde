/** Every stack of this repository as manifests: what it was last time, and what a cluster would take. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { COMMAND, exportOf, golden, goldenText, stacks } from './golden.ts';
import { mistakesIn } from './test-schema.ts';

const test = suite('export of each stack');

for (const stack of stacks()) {
  test(`${stack} is exported as its golden file says`, () => {
    const exported = exportOf(stack);
    assert.equal(
      exported.findings.filter(({ level }) => level === 'refused').map(({ message }) => message),
      [],
      'refusals',
    );
    const text = goldenText(exported);
    assert.is(goldenText(exportOf(stack)), text, 'a second export is the same');
    // By lines, so that a difference is told by its place and not by two whole files.
    const lines = text.split('\n');
    const kept = golden(stack)?.split('\n') ?? [];
    const at = lines.findIndex((line, index) => line !== kept[index]);
    const place = at === -1 ? Math.min(lines.length, kept.length) : at;
    assert.ok(
      text === golden(stack),
      `tools/export/golden/${stack}.yaml differs from line ${place + 1} on ("${lines[place] ?? ''}"): if that is as it should be, ${COMMAND} -- ${stack} writes it`,
    );
  });

  for (const [style, bare] of [
    ['native', false],
    ['plain', true],
  ] as const)
    test(`${stack} is what a cluster takes, with ${style} sidecars${bare ? ' in bare pods' : ''}`, () => {
      const { files } = exportOf(stack, { style, bare });
      for (const { path, text } of files.filter(
        (each) => each.path.startsWith('base/') && !each.path.endsWith('kustomization.yaml'),
      ))
        for (const document of parseAllDocuments(text)) {
          assert.equal(document.errors, []);
          assert.equal(mistakesIn(document.toJS() as Record<string, unknown>), [], path);
        }
    });
}

test.run();
