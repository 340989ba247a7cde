import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { proxyHeader } from './proxy-protocol.ts';

const TLS = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', verified: false };

test('IPv4, letter by letter', () => {
  const header = proxyHeader(
    { remoteAddress: '192.0.2.1', remotePort: 258, localAddress: '192.0.2.2', localPort: 443 },
    { version: 'v', cipher: 'c', verified: true, serverName: 's', alpn: 'h2', commonName: 'n' },
  );
  assert.is(
    header.toString('hex'),
    [
      '0d0a0d0a000d0a515549540a',
      '21',
      '11',
      '0029',
      'c0000201',
      'c0000202',
      '0102',
      '01bb',
      '0100026832',
      '02000173',
      '200011',
      '03',
      '00000000',
      '21000176',
      '23000163',
      '2200016e',
    ].join(''),
  );
});

test('IPv6, shortened or mixed', () => {
  for (const [address, bytes] of [
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['::1.2.3.4', '00000000000000000000000001020304'],
  ] as const) {
    const header = proxyHeader({ remoteAddress: address, remotePort: 1, localAddress: '10.0.0.1', localPort: 2 }, TLS);
    assert.is(header[13], 0x21);
    assert.is(header.toString('hex', 16, 48), `${bytes}00000000000000000000ffff0a000001`, address);
  }
});

test('without addresses it says so', () => {
  assert.is(proxyHeader(undefined, TLS).toString('hex', 12), '20000000');
});

test.run();
