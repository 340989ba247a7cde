import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFacts, parseSocket } from './facts.ts';

test('facts are read by kind, and what is none is left out', () => {
  const facts = parseFacts(
    [
      'namespace 12 net net:[4026532413]',
      'namespace 12 pid pid:[4026532412]',
      'namespace 13 net ',
      'process 12 0::/../0123abcd (python3) app',
      'socket tcp   LISTEN 0      128    127.0.0.1:8000  0.0.0.0:*  users:(("reports.py",pid=12,fd=3))',
      'socket udp   UNCONN 0 0 [::]:53 [::]:*',
      'admin 9931 healthz ok 200',
      'admin 9931 readyz {"ready":false,"checks":{}} 503',
      'admin 9932 healthz  000',
      'something else',
    ].join('\n'),
  );
  assert.equal([...facts.namespaces], [[12, { net: '4026532413', pid: '4026532412' }]]);
  assert.equal([...facts.groups], [[12, '0::/../0123abcd (python3) app']]);
  assert.equal(facts.sockets, [
    {
      protocol: 'tcp',
      state: 'LISTEN',
      local: '127.0.0.1:8000',
      peer: '0.0.0.0:*',
      process: { name: 'reports.py', pid: 12 },
    },
    { protocol: 'udp', state: 'UNCONN', local: '[::]:53', peer: '[::]:*' },
  ]);
  assert.equal(facts.admin.get('9931 readyz'), { status: 503, body: '{"ready":false,"checks":{}}' });
  assert.is(facts.admin.get('9932 healthz')?.status, 0, 'nobody answers');
});

test('any text is read without a throw', () => {
  const line = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom('namespace ', 'process ', 'socket ', 'admin '), fc.string())
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      parseFacts(lines.join('\n'));
    }),
  );
});

test('a socket that is written as ss writes it is read as it was', () => {
  const part = fc.stringMatching(/^[a-z0-9.[\]-]{1,12}$/);
  fc.assert(
    fc.property(part, part, fc.nat(65_535), fc.nat(4_000_000), (address, name, port, pid) => {
      const local = `${address}:${port}`;
      const line = `tcp  ESTAB 0 0   ${local}  10.0.0.1:443   users:(("${name}",pid=${pid},fd=7),("${name}",pid=9,fd=8))`;
      assert.equal(parseSocket(line), {
        protocol: 'tcp',
        state: 'ESTAB',
        local,
        peer: '10.0.0.1:443',
        process: { name, pid },
      });
    }),
  );
});

test.run();
