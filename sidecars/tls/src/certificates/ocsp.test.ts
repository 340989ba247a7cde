/** OCSP responses from a file: stapled while they are current, left out when they are not. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { start } from '../test-plane.ts';
import { createClientPolicy } from './client-identity.ts';
import { crlsIn } from '#proxy/tls/crl.ts';
import { derElements } from '#proxy/tls/der.ts';
import { readOcspResponse } from '#proxy/tls/ocsp.ts';
import { openStore } from './test-store.ts';

const HOUR = 3_600_000;
const der = (tag: number, ...content: (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(content.map((part) => Buffer.from(part as string, 'latin1')));
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const time = (at: number): Buffer => der(0x18, new Date(at).toISOString().replace(/[-:T]|\.\d+/g, ''));

interface ResponseOptions {
  readonly serial: string;
  readonly status?: number;
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | undefined;
}

/** A response as a responder makes it, but for its signature. */
function response({
  serial,
  status = 0x80,
  thisUpdate = Date.now() - HOUR,
  nextUpdate = Date.now() + HOUR,
}: ResponseOptions): Buffer {
  const algorithm = der(0x30, der(0x06, Buffer.from('2b0e03021a', 'hex')), der(0x05));
  const certId = der(
    0x30,
    algorithm,
    der(0x04, 'n'.repeat(20)),
    der(0x04, 'k'.repeat(20)),
    der(0x02, Buffer.from(serial, 'hex')),
  );
  const single = der(
    0x30,
    certId,
    status === 0xa1 ? der(0xa1, time(Date.now() - 2 * HOUR)) : der(status),
    time(thisUpdate),
    nextUpdate === undefined ? Buffer.alloc(0) : der(0xa0, time(nextUpdate)),
  );
  const data = der(0x30, der(0xa2, der(0x04, 'responder key hash..')), time(Date.now()), der(0x30, single));
  const basic = der(0x30, data, algorithm, der(0x03, '\0signature'));
  const oid = der(0x06, Buffer.from('2b0601050507300101', 'hex'));
  return der(0x30, der(0x0a, Buffer.from([0])), der(0xa0, der(0x30, oid, der(0x04, basic))));
}

test('a response beside the certificate is stapled, and exchanged when the file is', async () => {
  const directory = temporaryDirectory('certificates');
  const leaf = await certify({ names: ['localhost'] });
  const serial = leaf.certificate.serialNumber;
  writeFileSync(join(directory, 'tls.crt'), leaf.cert);
  writeFileSync(join(directory, 'tls.key'), leaf.key);
  const policy = createClientPolicy({
    TLS_CLIENT_CA: undefined,
    TLS_CLIENT_CRL: undefined,
    TLS_CLIENT_ALLOW_CN: undefined,
    TLS_CLIENT_ALLOW_DNS: undefined,
    TLS_CLIENT_ALLOW_URI: undefined,
  });
  const env = { TLS_CERT_DIR: directory };
  const { store, lines } = await openStore(env, { settle: 20, confirm: 50, poll: HOUR }, policy);
  const running = await start(1, env, store, policy);
  const stapled = async (): Promise<Buffer | undefined> => {
    const socket = connect({
      host: '127.0.0.1',
      port: running.port,
      servername: 'localhost',
      rejectUnauthorized: false,
      requestOCSP: true,
    });
    let seen: Buffer | undefined;
    socket.on('OCSPResponse', (bytes: Buffer | null) => (seen = bytes?.length ? bytes : undefined));
    await once(socket, 'secureConnect');
    socket.destroy();
    return seen;
  };
  assert.is(await stapled(), undefined);
  for (const wish of [{ serial }, { serial, nextUpdate: Date.now() + 2 * HOUR }]) {
    const made = response(wish);
    writeFileSync(join(directory, 'tls.ocsp'), made);
    await eventually('the staple', async () => (await stapled())?.equals(made));
  }
  for (const [bytes, why] of [
    [response({ serial, nextUpdate: Date.now() - 1000 }), 'is outdated since'],
    [response({ serial: '7777' }), 'is for another certificate than'],
    [response({ serial, thisUpdate: Date.now() + HOUR }), 'is of the future'],
    [response({ serial }).subarray(0, 60), 'is cut short'],
    [Buffer.from('3003 0a0103'.replace(' ', ''), 'hex'), 'holds the answer of a responder that failed \\(3\\)'],
  ] as const) {
    writeFileSync(join(directory, 'tls.ocsp'), bytes);
    await eventually(why, () =>
      lines.some((line) => new RegExp(`^warn .*tls\\.crt: its OCSP response ${why}.* and is not stapled$`).test(line)),
    );
    assert.is(await stapled(), undefined, why);
  }
  await running.stop();
});

test('what a response says is read', () => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  for (const [status, name] of [
    [0x80, 'good'],
    [0xa1, 'revoked'],
    [0x82, 'unknown'],
  ] as const)
    assert.equal(readOcspResponse(response({ serial: '00f00d', status, thisUpdate: now, nextUpdate: now + HOUR })), [
      { serial: 'F00D', status: name, thisUpdate: now, nextUpdate: now + HOUR },
    ]);
});

test('no bytes make the readers fail other than by an Error with words, or take long', () => {
  const good = response({ serial: '1234' });
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
      const copy = Buffer.from(good);
      copy[at] = value;
      return copy;
    }),
    fc.nat(good.length).map((end) => good.subarray(0, end)),
  );
  fc.assert(
    fc.property(damaged, (bytes) => {
      for (const read of [
        () => readOcspResponse(bytes),
        () => derElements(bytes),
        () => crlsIn(`-----BEGIN X509 CRL-----\n${bytes.toString('base64')}\n-----END X509 CRL-----\n`),
      ]) {
        try {
          read();
        } catch (error) {
          if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
