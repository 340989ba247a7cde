import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseTrees, type MapTree } from '../yaml/tree.ts';
import { publishedBy } from './ports.ts';

const test = suite('export: ports');

for (const [said, wanted] of [
  ['"80"', [80, 80, 'TCP', true]],
  ['"8080:80"', [8080, 80, 'TCP', true]],
  ['"127.0.0.1:8080:80"', [8080, 80, 'TCP', false]],
  ['"127.0.0.1::80/udp"', [80, 80, 'UDP', false]],
  ['"[::1]:8080:80"', [8080, 80, 'TCP', false]],
  ['"0.0.0.0:53:53/udp"', [53, 53, 'UDP', true]],
  ['{ target: 80, published: "8080", protocol: udp, host_ip: 127.0.0.1 }', [8080, 80, 'UDP', false]],
  ['{ target: 80 }', [80, 80, 'TCP', true]],
] as const)
  test(said, () => {
    assert.equal(
      publishedBy(parseTrees(`ports: [${said}]`, 'x')[0] as MapTree).map((each) => [
        each.port,
        each.target,
        each.protocol,
        each.everywhere,
      ]),
      [wanted],
    );
  });

test('ranges go side by side, and are bounded', () => {
  const of = (said: string): number[][] =>
    publishedBy(parseTrees(`ports: ["${said}"]`, 'x')[0] as MapTree).map(({ port, target }) => [port, target]);
  assert.equal(of('3000-3002:80-82'), [
    [3000, 80],
    [3001, 81],
    [3002, 82],
  ]);
  assert.is(of('1-60000:1-60000').length, 1000);
  for (const wrong of ['x', '80-1', ':', '${PORT}']) assert.equal(of(wrong), []);
});

test.run();
