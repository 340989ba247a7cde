import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readDetails } from './details.ts';
import { parseLimits } from './limits.ts';
import { readLoad, readMachine, readUptime } from './machine.ts';
import { parseInetSockets, parseUnixSockets } from './sockets.ts';

test('limits, as the kernel writes them', () => {
  const limits = parseLimits(readFileSync('/proc/self/limits', 'latin1'));
  assert.is(limits.length, 16);
  assert.ok(limits.find(({ name }) => name === 'open files')!.soft! > 0);
  assert.equal(parseLimits('Max cpu time              unlimited            10                   seconds   \n'), [
    { name: 'cpu time', soft: null, hard: 10, unit: 'seconds' },
  ]);
  assert.equal(parseLimits('Max nice priority         0                    0                    \n'), [
    { name: 'nice priority', soft: 0, hard: 0, unit: '' },
  ]);
});

test('sockets of IPv4, IPv6 and UDP', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  assert.equal(
    parseInetSockets(
      `${head}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n`,
      'tcp',
    ),
    [{ protocol: 'tcp', local: '127.0.0.1:8080', remote: '', state: 'LISTEN', inode: 12345 }],
  );
  assert.equal(
    parseInetSockets(
      '  11: 0300A8C0:0050 0100A8C0:C001 01 00000000:00000000 00:00000000 00000000  33        0 7 1 0 20 4 30 10 -1',
      'tcp',
    ),
    [{ protocol: 'tcp', local: '192.168.0.3:80', remote: '192.168.0.1:49153', state: 'ESTABLISHED', inode: 7 }],
  );
  assert.equal(
    parseInetSockets(
      '   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  33        0 8 1 0 100 0 0 10 0',
      'tcp6',
    ),
    [{ protocol: 'tcp6', local: '[::1]:80', remote: '', state: 'LISTEN', inode: 8 }],
  );
  assert.equal(
    parseInetSockets(
      '   0: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0        0 9 2 0 0',
      'udp',
    ),
    [{ protocol: 'udp', local: '0.0.0.0:53', remote: '', state: '', inode: 9 }],
  );
});

test('sockets of the file system', () => {
  const text = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 21 /run/a b.sock
0000000000000000: 00000003 00000000 00000000 0001 03 22
`;
  assert.equal(parseUnixSockets(text), [
    { protocol: 'unix', local: '/run/a b.sock', remote: '', state: 'LISTEN', inode: 21 },
    { protocol: 'unix', local: '', remote: '', state: '', inode: 22 },
  ]);
});

test('garbage is no socket and no limit', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal([...parseInetSockets(text, 'tcp'), ...parseUnixSockets(text), ...parseLimits(text)], []);
    }),
  );
});

test('our own listening socket and namespaces are found', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { sockets, namespaces, limits } = readDetails(process.pid);
  server.close();
  assert.ok(sockets!.some(({ local, state }) => local === `127.0.0.1:${port}` && state === 'LISTEN'));
  assert.ok(namespaces!.length >= 7 && namespaces!.every(({ shared, inode }) => shared && inode > 0));
  assert.ok(limits!.length > 10);
});

test('of a process that is gone there is nothing', () => {
  assert.equal(readDetails(4_194_305), { limits: [], namespaces: [], sockets: [] });
});

test('the machine', () => {
  const { pageSize, ticksPerSecond, memoryBytes, processors } = readMachine();
  assert.ok([4096, 16_384, 65_536].includes(pageSize));
  assert.is(ticksPerSecond, 100);
  assert.ok(memoryBytes > 1e8 && processors >= 1);
  assert.ok(readUptime() > 0);
  assert.is(readLoad().length, 3);
});

test.run();
