/** What the variants promise by their files alone: they are found again, and hardened but where they say why. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ComposeSpecification } from 'docker-compose';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { STACK_LABEL } from '../../../scripts/lib/labels.ts';

const files = globSync(join(import.meta.dirname, '../variants/*.yaml'));
/** What a variant gives beyond the catalogue, and no other may. */
const GIVEN: Readonly<Record<string, readonly string[]>> = { engine: ['privileged'], capability: ['cap_add'] };

test('there are variants', () => assert.ok(files.length > 0));

for (const file of files) {
  const name = basename(file, '.yaml');
  const text = readFileSync(file, 'utf8');
  const variant = parse(text, { merge: true }) as ComposeSpecification;

  test(`${name}: whatever it adds to the stack carries its label`, () => {
    const own = [...(variant.name ? [variant.networks, variant.volumes] : []), variant.services].flatMap((things) =>
      Object.entries(things ?? {}).filter(([, each]) => variant.name !== undefined || 'extends' in (each as object)),
    );
    for (const [key, each] of own)
      assert.is((each as { labels?: Record<string, string> }).labels?.[STACK_LABEL], 'lifecycle', key);
    if (variant.name !== undefined) assert.ok(variant.networks?.['default'], 'and so does its network');
  });

  test(`${name}: it gives no privilege but the one that it is about, and says what it is`, () => {
    assert.match(text, /^# \S/);
    const given = Object.values(variant.services ?? {}).flatMap((service) =>
      ['privileged', 'cap_add', 'userns_mode', 'security_opt'].filter((each) => each in service),
    );
    assert.equal(given, GIVEN[name] ?? []);
  });
}

test.run();
