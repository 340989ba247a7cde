import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { groupOf, nameOf, OWN_GROUP, splitArguments, uidOf } from './facts.ts';
import { printable } from './printable.ts';

const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);

for (const [engine, text, group] of [
  ['Docker, cgroup namespace', `0::/../${ID}\n`, ID.slice(0, 12)],
  ['Docker, systemd driver', `0::/../docker-${ID}.scope\n`, ID.slice(0, 12)],
  ['Docker, version 1', `9:name=systemd:/docker/${ID}\n8:pids:/docker/${ID}\n0::/docker/${ID}\n`, ID.slice(0, 12)],
  ['an engine inside a container', `1:cpu:/docker/${OTHER}/docker/${ID}\n`, ID.slice(0, 12)],
  [
    'podman in a container, version 1, whose engine leaves version 2 alone',
    `9:name=systemd:/docker/${OTHER}/libpod_parent/${OTHER}/libpod-${ID}\n0::/docker/${OTHER}\n`,
    ID.slice(0, 12),
  ],
  ['containerd', `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope\n`, ID.slice(0, 12)],
  ['podman', `0::/machine.slice/libpod-${ID}.scope/container\n`, ID.slice(0, 12)],
  ['our own container', '0::/\n', OWN_GROUP],
  ['a service of the machine', '0::/system.slice/ssh.service\n', '/system.slice/ssh.service'],
  ['version 1 without a container', '2:cpu:/x\n1:name=systemd:/user.slice\n0::/\n', '/user.slice'],
  ['nothing', '', undefined],
] as const)
  test(`container of ${engine}`, () => assert.is(groupOf(text), group));

test('the effective user', () => {
  assert.is(uidOf(Buffer.from('Name:\ta\nUid:\t1000\t33\t1000\t1000\nGid:\t0\t0\t0\t0\n')), 33);
  assert.is(uidOf(Buffer.from('Name:\tUid:\t1\n')), undefined);
  assert.is(uidOf(Buffer.alloc(0)), undefined);
});

test('arguments', () => {
  assert.equal(splitArguments(Buffer.from('sh\0-c\0a b\0')), ['sh', '-c', 'a b']);
  assert.equal(splitArguments(Buffer.from('nginx: worker\0\0\0')), ['nginx: worker']);
  assert.equal(splitArguments(Buffer.from('a\0\0b\0')), ['a', '', 'b']);
  assert.equal(splitArguments(Buffer.alloc(0)), []);
});

for (const [args, comm, name] of [
  [['/usr/sbin/apache2', '-DFOREGROUND'], 'apache2', 'apache2'],
  [['nginx: master process /usr/sbin/nginx'], 'nginx', 'nginx'],
  [['/usr/bin/perl', '-w', '/srv/webstats.pl', '--x'], 'webstats.pl', 'webstats'],
  [['python3.13', '/srv/app.py'], 'python3.13', 'app'],
  [['-bash'], 'bash', 'bash'],
  [['sh', '-c', 'sleep 1 && /bin/x'], 'sh', 'sh'],
  [['bash', '/dev/fd/3'], 'bash', 'bash'],
  [[], 'kworker/0:1', 'kworker_0_1'],
  [[''], '', 'unknown'],
] as const)
  test(`name of ${args.join(' ') || comm || 'nothing'}`, () => assert.is(nameOf(args, comm), name));

test('a name is always good for a label', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (args, comm) => {
      assert.match(nameOf(args, comm), /^[\w.@+-]{1,40}$/);
    }),
  );
});

test('what would move a cursor or turn a line around is written out', () => {
  assert.is(printable('a\u001b[31mb\nc\u202ed\u007f'), 'a\\u{1b}[31mb\\nc\\u{202e}d\\u{7f}');
  assert.is(printable('Grüße 世界 🎉'), 'Grüße 世界 🎉');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.not.match(printable(text), /[\p{Cc}\p{Cf}]/u)));
});

test.run();
