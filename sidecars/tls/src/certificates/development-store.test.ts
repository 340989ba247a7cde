import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { DevelopmentStore, type Damaged } from './development-store.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { openStore, seenSerial, serialOf, serve } from './test-store.ts';

const DAY = 86_400_000;
const NAMES = ['localhost', '*.app.localhost', '127.0.0.1', '::1'];
const mode = (...path: string[]): string => (statSync(join(...path)).mode & 0o777).toString(8);

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, ConfigurationError, String(error));
    return (error as ConfigurationError).message;
  }
  throw new Error('it was accepted');
}

/** A state directory with a CA and a leaf in it. */
async function filled(): Promise<{ directory: string; store: DevelopmentStore; file: (...path: string[]) => string }> {
  const directory = temporaryDirectory('certificates');
  const store = new DevelopmentStore(directory, NAMES);
  await store.leaf(await store.ca());
  return { directory, store, file: (...path) => join(directory, ...path) };
}

test('a first start makes a CA and a certificate that verify, with keys only their owner reads', async () => {
  const { directory, file } = await filled();
  assert.equal(readdirSync(directory).toSorted(), ['ca.crt', 'private']);
  assert.equal(readdirSync(file('private')).toSorted(), ['ca.pem', 'leaf.pem']);
  assert.equal(
    [mode(file('ca.crt')), mode(file('private')), mode(file('private', 'ca.pem')), mode(file('private', 'leaf.pem'))],
    ['644', '700', '600', '600'],
  );
  const ca = new X509Certificate(readFileSync(file('ca.crt')));
  const leafPem = readFileSync(file('private', 'leaf.pem'), 'utf8');
  const leaf = new X509Certificate(leafPem.slice(leafPem.indexOf('-----BEGIN CERT')));
  assert.ok(ca.ca);
  assert.ok(leaf.verify(ca.publicKey));
  assert.is(
    leaf.subjectAltName,
    'DNS:localhost, DNS:*.app.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 397 * DAY);
  assert.ok(!readFileSync(file('ca.crt'), 'utf8').includes('PRIVATE'));
});

test('a client that trusts ca.crt reaches every name, and no other', async () => {
  const { store, file } = await filled();
  const { cert, key } = await store.leaf(await store.ca());
  const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined).end()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const reach = (servername: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        servername,
        ca: readFileSync(file('ca.crt')),
      });
      socket.on('secureConnect', () => resolve('ok'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
  assert.is(await reach('localhost'), 'ok');
  assert.is(await reach('a.app.localhost'), 'ok');
  assert.is(await reach('example.org'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  server.close();
});

test('a running sidecar renews its certificate near its end, also after the machine slept', async () => {
  const directory = temporaryDirectory('certificates');
  let time = Date.now() - DAY;
  const made = new DevelopmentStore(directory, NAMES);
  // It has 30 days and an hour left.
  await made.leaf(await made.ca(), time - 367 * DAY + 3_600_000);
  const env = { TLS_STATE_DIR: directory, TLS_DEV_NAMES: NAMES.join() };
  const { store } = await openStore(env, undefined, undefined, { now: () => time, every: 1 });
  const first = store.default.cert.toString();
  time += DAY;
  await eventually('another one is in use', () => store.default.cert.toString() !== first);
  store.close();
});

test('a later start finds both again', async () => {
  const { directory, store } = await filled();
  const ca = await store.ca();
  const again = new DevelopmentStore(directory, NAMES.toReversed());
  assert.equal(await again.ca(), ca);
  assert.equal(await again.leaf(ca), await store.leaf(ca));
});

test('a certificate is renewed for new names, near its end and when damaged; the CA stays', async () => {
  const { directory, store, file } = await filled();
  const ca = await store.ca();
  const first = await store.leaf(ca);
  const renamed = await new DevelopmentStore(directory, ['other.localhost']).leaf(ca);
  assert.is(new X509Certificate(renamed.cert).subjectAltName, 'DNS:other.localhost');
  const back = await store.leaf(ca);
  assert.is.not(back.cert, first.cert);
  assert.is((await store.leaf(ca, Date.now() + 366 * DAY)).cert, back.cert);
  const renewed = await store.leaf(ca, Date.now() + 368 * DAY);
  assert.is.not(renewed.cert, back.cert);
  writeFileSync(file('private', 'leaf.pem'), renewed.cert.slice(0, 99));
  assert.is.not((await store.leaf(ca)).cert, renewed.cert);
  assert.equal(await store.ca(), ca);
});

test('an unusable CA is set aside and a new one made; nothing of it prevents a start', async () => {
  type Change = (file: (...path: string[]) => string) => void;
  const pemOf = (file: (...path: string[]) => string): string => readFileSync(file('private', 'ca.pem'), 'utf8');
  const cases: [change: Change, reason: RegExp, replaced: boolean, now?: number][] = [
    [(file) => rmSync(file('private', 'ca.pem')), /has lost its key/, true],
    [(file) => writeFileSync(file('private', 'ca.pem'), ''), /is damaged/, true],
    [(file) => writeFileSync(file('private', 'ca.pem'), pemOf(file).slice(0, -40)), /is damaged/, true],
    [(file) => writeFileSync(file('private', 'ca.pem'), Buffer.alloc(1_000_000, 0xff)), /is damaged/, true],
    [
      (file) =>
        writeFileSync(
          file('private', 'ca.pem'),
          readFileSync(file('private', 'leaf.pem'), 'utf8').replace(/-----BEGIN CERT[^]*/, '') +
            readFileSync(file('ca.crt'), 'utf8'),
        ),
      /is damaged/,
      true,
    ],
    [() => undefined, /ends on 20\d\d/, true, Date.now() + 3640 * DAY],
    [(file) => writeFileSync(file('ca.crt'), 'x'), /is not the certificate of the CA/, false],
  ];
  for (const [change, reason, replaced, now] of cases) {
    const { directory, store, file } = await filled();
    const first = await store.ca();
    change(file);
    const there = [file('private', 'ca.pem'), file('ca.crt')].filter((path) => existsSync(path));
    const before = new Map(there.map((path) => [path, readFileSync(path, 'utf8')]));
    const damaged: Damaged[] = [];
    const again = new DevelopmentStore(directory, NAMES, (each) => damaged.push(each));
    const ca = await again.ca(now);
    assert.is(ca.cert !== first.cert, replaced);
    assert.ok(damaged.length > 0);
    for (const each of damaged) {
      assert.match(each.reason, reason);
      assert.is(readFileSync(each.aside, 'utf8'), before.get(each.path), 'it is kept as it was');
    }
    assert.is(readFileSync(file('ca.crt'), 'utf8'), ca.cert);
    assert.is(mode(file('private', 'ca.pem')), '600');
    const { cert } = await again.leaf(ca, now);
    assert.ok(new X509Certificate(cert).verify(new X509Certificate(ca.cert).publicKey));
    damaged.length = 0;
    assert.equal([await again.ca(now), damaged], [ca, []], 'a later start finds it');
  }
});

test('a lost ca.crt is written again, and a private directory that others may enter is closed', async () => {
  const { store, file } = await filled();
  const { cert } = await store.ca();
  rmSync(file('ca.crt'));
  chmodSync(file('private'), 0o755);
  await store.ca();
  assert.is(readFileSync(file('ca.crt'), 'utf8'), cert);
  assert.is(mode(file('private')), '700');
});

test('processes that start at once end up with one CA', async () => {
  const directory = temporaryDirectory('certificates');
  const program = `import { DevelopmentStore } from ${JSON.stringify(import.meta.resolve('./development-store.ts'))};
    const store = new DevelopmentStore(process.argv[1], ['localhost']);
    const ca = await store.ca();
    await store.leaf(ca);
    console.log(ca.cert);`;
  const runs = await Promise.all(
    Array.from({ length: 6 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, directory]),
    ),
  );
  assert.is(new Set(runs.map(({ stdout }) => stdout)).size, 1);
  assert.equal(readdirSync(join(directory, 'private')).toSorted(), ['ca.pem', 'leaf.pem']);
  const inside = await Promise.all(
    Array.from({ length: 8 }, () => new DevelopmentStore(join(directory, 'second'), ['localhost']).ca()),
  );
  assert.is(new Set(inside.map(({ cert }) => cert)).size, 1);
});

test('a directory that cannot be used is named, and one in the place of a file is set aside', async () => {
  const directory = temporaryDirectory('certificates');
  writeFileSync(join(directory, 'file'), '');
  assert.match(
    await refusal(() => new DevelopmentStore(join(directory, 'file'), NAMES).ca()),
    /^TLS_STATE_DIR: .*file\/private cannot be written \(E[A-Z]+\); accepted is a directory/,
  );
  mkdirSync(join(directory, 'ca.crt'));
  await new DevelopmentStore(directory, NAMES).ca();
  assert.ok(readdirSync(directory).some((name) => name.startsWith('ca.crt.damaged-')));
});

test('names that no certificate can hold are refused', async () => {
  for (const bad of ['a..b', '*', 'a.*.b', '-', '1.2.3.4:80'])
    assert.match(
      await refusal(() => new DevelopmentStore('/x', [bad])),
      /^TLS_DEV_NAMES: ".*" is neither a DNS name nor an IP address; accepted is/,
    );
  assert.match(await refusal(() => new DevelopmentStore('/x', [])), /^TLS_DEV_NAMES: holds no name/);
});

test('without TLS_CERT_DIR the store serves the development certificate and offers its CA', async () => {
  const directory = temporaryDirectory('certificates');
  const env = { TLS_STATE_DIR: join(directory, 'state'), TLS_DEV_NAMES: 'app.localhost' };
  const { store, lines, notAfter } = await openStore(env);
  assert.is(store.developmentCa, readFileSync(join(directory, 'state', 'ca.crt'), 'utf8'));
  assert.is(mode(directory, 'state'), '755');
  assert.is(store.default.name, 'development');
  assert.match(lines.join(), /^info development certificate in use: trust ca\.crt/);
  assert.equal(Object.keys(await notAfter()), ['development']);
  const server = await serve(store);
  const serial = await seenSerial(server, 'app.localhost');
  server.close();
  store.close();
  const again = await openStore(env);
  assert.is(serialOf(String(again.store.default.cert)), serial);
  again.store.close();
});

test.run();
