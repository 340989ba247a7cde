import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readDockerfile } from './dockerfile.ts';

function facts(text: string): Record<string, unknown> {
  const { env, ports, labels, user } = readDockerfile(text, 'Dockerfile');
  return { env: Object.fromEntries(env), ports: [...ports], labels: Object.fromEntries(labels), user };
}

const nothing = { env: {}, ports: [], labels: {}, user: '' };

const CASES: readonly [name: string, text: string, expected: Record<string, unknown>][] = [
  [
    'several pairs, quotes and line continuations',
    'FROM x\nENV A=1 B="two words" C=\'3 x\' D=a\\ b \\\n  # a comment\n\n  E="q\\"x"\n',
    { ...nothing, env: { A: '1', B: 'two words', C: '3 x', D: 'a b', E: 'q"x' } },
  ],
  ['the old form without an equals sign', 'FROM x\nENV A the old  way\n', { ...nothing, env: { A: 'the old  way' } }],
  ['a later ENV wins', 'FROM x\nENV A=1\nENV A=2\n', { ...nothing, env: { A: '2' } }],
  [
    'only the last stage counts',
    'FROM x AS build\nENV A=1\nEXPOSE 1\nUSER a\nFROM y\nENV B=2\nUSER b\n',
    { ...nothing, env: { B: '2' }, user: 'b' },
  ],
  [
    'a stage stands on another',
    'FROM x AS Base\nENV A=1 B=1\nEXPOSE 1\nUSER a\nFROM z AS other\nENV Z=1\nFROM base\nENV B=2\nEXPOSE 2\n',
    { ...nothing, env: { A: '1', B: '2' }, ports: ['1/tcp', '2/tcp'], user: 'a' },
  ],
  [
    'a stage of the same name as its base',
    'FROM x AS x\nENV A=1\nFROM x AS x\nENV B=2\n',
    { ...nothing, env: { A: '1', B: '2' } },
  ],
  ['a base by argument', 'ARG BASE=x\nFROM ${BASE}\nUSER 1:2\n', { ...nothing, user: '1:2' }],
  [
    'variables',
    "FROM x\nARG V=1.2\nENV A=$V B=${V}.3 C='$V' D=$UNKNOWN\nENV E=$A\nEXPOSE $V ${A}\nUSER $A\n",
    { ...nothing, env: { A: '1.2', B: '1.2.3', C: '$V', D: '$UNKNOWN', E: '1.2' }, ports: ['1.2'], user: '1.2' },
  ],
  [
    'ports',
    'FROM x\nEXPOSE 80 81/udp 82/TCP 90-92\nexpose 80/tcp\n',
    { ...nothing, ports: ['80/tcp', '81/udp', '82/tcp', '90/tcp', '91/tcp', '92/tcp'] },
  ],
  [
    'labels',
    'FROM x\nLABEL a.b="x y" \\\n      c=d\nLABEL "e f"=g\n',
    { ...nothing, labels: { 'a.b': 'x y', c: 'd', 'e f': 'g' } },
  ],
  ['nothing at all', '', nothing],
];

for (const [name, text, expected] of CASES) test(name, () => assert.equal(facts(text), expected));

test('a name is found at its line', () => {
  const { where } = readDockerfile('FROM x\nENV A=1 \\\n    B=2\n', 'a/Dockerfile');
  assert.is(where('A'), 'a/Dockerfile:2');
  assert.is(where('B'), 'a/Dockerfile:3');
  assert.is(where('C'), 'a/Dockerfile');
  assert.is(where(), 'a/Dockerfile');
});

test.run();
