/** An image of ours is never asked of the public registry, where its name may be anybody's. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isCompose, loadProject } from '../../tools/compose/project.ts';
import { entries, get, parseTrees, text, YamlError, type Tree } from '../../tools/yaml/tree.ts';
import { ROOT } from './stacks.ts';

const test = suite('pull policy');

const tracked = execFileSync('git', ['ls-files', '*.yaml', '*.yml', '*.md'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && !file.includes('/templates/'));

/** Services of a list whose image is ours and may be pulled. */
const pulled = (services: readonly (readonly [string, Tree])[]): string[] =>
  services
    .filter(([, service]) => /^sidecar-stacks\/|^\$\{\w+:-sidecar-stacks\//.test(text(get(service, 'image')) ?? ''))
    .filter(([, service]) => !['never', 'build'].includes(text(get(service, 'pull_policy')) ?? ''))
    .map(([name]) => name);

test('in compose files: the catalogue, stacks, benches, fixtures and exercises', () => {
  let looked = 0;
  for (const file of tracked.filter((each) => /\.ya?ml$/.test(each))) {
    const path = join(ROOT, file);
    if (!parseTrees(readFileSync(path, 'utf8'), file).some((tree) => !(tree instanceof YamlError) && isCompose(tree)))
      continue;
    const { services } = loadProject([path], { base: dirname(path), environment: {} });
    assert.equal(pulled([...services].map(([name, { tree }]) => [name, tree])), [], file);
    looked += services.size;
  }
  assert.ok(looked > 200, `${looked} services`);
});

test('in the examples of READMEs', () => {
  let looked = 0;
  for (const file of tracked.filter((each) => each.endsWith('.md'))) {
    const blocks = readFileSync(join(ROOT, file), 'utf8').matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm);
    for (const [, block] of blocks)
      for (const tree of parseTrees(block!, file)) {
        if (tree instanceof YamlError) continue;
        const services = entries(get(tree, 'services') ?? tree);
        assert.equal(pulled(services), [], file);
        looked += services.length;
      }
  }
  assert.ok(looked > 30, `${looked} services`);
});

test.run();
