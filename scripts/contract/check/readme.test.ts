import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineContract } from '#kit/contract/contract.ts';
import { fillReadme } from './readme.ts';
import { SECTIONS, tableOf } from './tables.ts';

const contract = defineContract({
  name: 'sync',
  version: '1.0.0',
  description: 'd',
  prefixes: [],
  adminPort: '1',
  parameters: {
    TOKEN: { type: 'string', secret: true, required: true, description: 'a | b\n c' },
    EVERY: { type: 'duration', unit: 's', min: 0, default: '1s', deprecated: ['OFTEN'], description: 'Time' },
    COUNT: { type: 'integer', max: 9, unit: 'files', description: 'Number' },
  },
  ports: {},
  metrics: { m: { type: 'gauge', help: 'h', bad: 'above 3', labels: ['x', 'y'] } },
});

test('a table is aligned and its cells cannot break it', () => {
  assert.equal(tableOf(contract, 'parameters').split('\n').slice(0, 5), [
    '| Parameter               | Default   | Takes                                                        | Meaning |',
    '| ----------------------- | --------- | ------------------------------------------------------------ | ------- |',
    '| `TOKEN` or `TOKEN_FILE` | required  | text                                                         | a \\| b c |',
    '| `EVERY`                 | `1s`      | duration in s                                                | Time (formerly `OFTEN`) |',
    '| `COUNT`                 |           | integer, up to 9 files                                       | Number |',
  ]);
  assert.match(tableOf(contract, 'metrics').replaceAll(/ +/g, ' '), '| `m` | gauge | `x`, `y` | h. **Bad:** above 3 |');
});

test('filling twice changes nothing more, and prose stays', () => {
  const readme = SECTIONS.map(
    (section) => `before ${section}\n<!-- contract:${section} --> <!-- /contract -->\nafter\n`,
  ).join('');
  const once = fillReadme(readme, contract);
  assert.equal(once.missing, []);
  assert.equal(once.stale, [...SECTIONS]);
  assert.equal(fillReadme(once.text, contract), { text: once.text, missing: [], stale: [] });
  for (const section of SECTIONS)
    assert.ok(once.text.includes(`before ${section}\n<!-- contract:${section} -->\n| `), section);
  assert.is(once.text.split('<!-- /contract -->\nafter\n').length, SECTIONS.length + 1);
});

test('a marker without its end swallows nothing', () => {
  const readme = '<!-- contract:parameters -->\nprose\n<!-- contract:ports -->\n<!-- /contract -->\n';
  const { text, missing, stale } = fillReadme(readme, contract);
  assert.ok(text.startsWith('<!-- contract:parameters -->\nprose\n<!-- contract:ports -->\n| Port'));
  assert.equal(stale, ['ports']);
  assert.ok(missing.includes('parameters'));
});

test.run();
