/** A stack that builds an image and gives it no name: built once, used again, left under one name. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../lib/engine.ts';
import { start } from './fixtures/program.ts';

const test = suite('own images');

const images = async (): Promise<string[]> =>
  (await docker(['images', '--format', '{{.Repository}}:{{.Tag}}']))
    .split('\n')
    .filter((name) => name.includes('own-build'));

test('an unnamed image is built once, used again, and not left behind under the name of a run', async () => {
  const env = { IMAGE_TAG: `test-${process.pid}` };
  const name = `sidecar-stacks/own-build-app:${env.IMAGE_TAG}`;
  const before = await images();
  const [first, second] = [
    await start('stack', ['own-build', '--json'], env).ended,
    await start('stack', ['own-build', '--json'], env).ended,
  ];
  try {
    for (const { code, stderr, results } of [first, second])
      assert.is(code, 0, stderr + JSON.stringify(results.map(({ failures }) => failures)));
    const notes = ({ events }: typeof first): string =>
      events.flatMap((event) => (event.event === 'note' ? [event.text] : [])).join('\n');
    assert.match(notes(first), `built ${name}`);
    assert.not.match(notes(second), 'built');
    assert.equal(
      (await images()).filter((each) => !before.includes(each)),
      [name],
    );
    const label = '{{index .Config.Labels "dev.sidecar-stacks.image"}}';
    assert.is(await docker(['image', 'inspect', '--format', label, name]), 'own-build-app', 'make clean finds it');
  } finally {
    await docker(['image', 'rm', '--force', name]);
  }
});

test.run();
