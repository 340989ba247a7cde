import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('style');

test('an edge that is idle, good, failing in part or failing has a dash pattern of its own', async () => {
  const style = await readFile(new URL('style.css', import.meta.url), 'utf8');
  const dashes = ['', "[data-health='idle']", "[data-health='some']", "[data-health='bad']"].map((state) => {
    const start = style.indexOf(`.edge${state} .line {`);
    assert.is.not(start, -1, state);
    const rule = style.slice(start, style.indexOf('}', start));
    return /stroke-dasharray: ([^;]+);/.exec(rule)?.[1] ?? 'none';
  });
  assert.is(new Set(dashes).size, dashes.length, dashes.join(', '));
});

test.run();
