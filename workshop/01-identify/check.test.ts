import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identify } from '../../tools/identify/identify.ts';
import { KEY } from './check.ts';

const PROJECTS = join(import.meta.dirname, 'start/projects');

/** As the tool names what the exercise names; who is in no group, or helps nobody, is separate. */
function classOf(project: string, service: string): string {
  const { groups } = identify([join(PROJECTS, project)], { base: PROJECTS });
  const member = groups.flatMap(({ containers }) => containers).find(({ name }) => name === service);
  return member === undefined || member.class === 'peer' ? 'separate' : member.class;
}

for (const [project, services] of Object.entries(KEY))
  test(`${project}: the key is what identify says`, () => {
    const said = Object.fromEntries(Object.keys(services).map((service) => [service, classOf(project, service)]));
    assert.equal(said, services);
  });

test.run();
