/** Addresses as the kernel writes them. */
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressOf, SOCKADDR_SIZE } from './sockaddr.ts';

function ipv6(bytes: Uint8Array): Buffer {
  const sockaddr = Buffer.alloc(SOCKADDR_SIZE);
  sockaddr.writeUInt16LE(10, 0);
  sockaddr.writeUInt16BE(443, 2);
  sockaddr.set(bytes, 8);
  return sockaddr;
}

test('IPv4', () => {
  const sockaddr = Buffer.alloc(SOCKADDR_SIZE);
  sockaddr.writeUInt16LE(2, 0);
  sockaddr.writeUInt16BE(8080, 2);
  sockaddr.set([10, 0, 200, 3], 4);
  assert.equal(addressOf(sockaddr), { address: '10.0.200.3', port: 8080 });
});

test('IPv6, in the form that everybody compares', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.array(fc.nat(15)), (bytes, zeros) => {
      for (const at of zeros) bytes[at] = 0;
      const { address, port } = addressOf(ipv6(bytes))!;
      assert.is(port, 443);
      assert.ok(isIPv6(address), address);
      // The URL parser knows the same form (WHATWG's serializer follows RFC 5952).
      assert.is(`[${address}]`, new URL(`http://[${address}]/`).hostname);
    }),
    { numRuns: 1000 },
  );
  assert.is(addressOf(ipv6(new Uint8Array(16)))?.address, '::');
});

test('another family is none', () => {
  assert.is(addressOf(Buffer.alloc(SOCKADDR_SIZE)), undefined);
});

test.run();
