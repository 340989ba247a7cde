import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReloadTiming } from '#proxy/tls/reload.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { openStore, seenSerial, serialOf, serve, type TestStore } from './test-store.ts';

type Texts = Pick<Signer, 'cert' | 'key'>;
/** Events only: a poll that would hide a missed event never comes. */
const EVENTS: ReloadTiming = { settle: 50, confirm: 200, poll: 3_600_000 };

const [one, two, three, other] = await Promise.all([
  certify({ names: ['a.example'] }),
  certify({ names: ['a.example'] }),
  certify({ names: ['a.example'] }),
  certify({ names: ['b.example'] }),
]);

function write(directory: string, { cert, key }: Texts, name = 'tls'): void {
  writeFileSync(join(directory, `${name}.crt`), cert);
  writeFileSync(join(directory, `${name}.key`), key);
}

async function opened(
  timing: ReloadTiming,
  run: (directory: string, opened: TestStore) => Promise<void>,
): Promise<void> {
  const directory = temporaryDirectory('certificates');
  write(directory, one);
  const opening = await openStore({ TLS_CERT_DIR: directory }, timing);
  try {
    await run(directory, opening);
  } finally {
    opening.store.close();
  }
}

const serves = ({ store }: TestStore, { cert }: Texts): Promise<unknown> =>
  eventually('the new certificate is served', () => String(store.default.cert) === cert);

test('files replaced in place are taken up, and a live connection goes on', () =>
  opened(EVENTS, async (directory, it) => {
    const server = await serve(it.store);
    server.on('secureConnection', (socket) => socket.pipe(socket));
    const live = connect({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      rejectUnauthorized: false,
    });
    await once(live, 'secureConnect');
    assert.is(await seenSerial(server), serialOf(one.cert));
    write(directory, two);
    await serves(it, two);
    assert.is(await seenSerial(server), serialOf(two.cert));
    assert.is(await seenSerial(server, 'a.example'), serialOf(two.cert));
    live.write('still here');
    assert.is(String((await once(live, 'data'))[0]), 'still here');
    assert.is(live.getPeerX509Certificate()?.serialNumber.toLowerCase(), serialOf(one.cert));
    live.destroy();
    server.close();
    assert.equal(await it.reloads(), { loaded: 1 });
    assert.equal(await it.notAfter(), { tls: Math.floor(two.certificate.notAfter.getTime() / 1000) });
  }));

test('files renamed over are taken up, again and again', () =>
  opened(EVENTS, async (directory, it) => {
    for (const pair of [two, three, one]) {
      write(directory, pair, '.next');
      renameSync(join(directory, '.next.crt'), join(directory, 'tls.crt'));
      renameSync(join(directory, '.next.key'), join(directory, 'tls.key'));
      await serves(it, pair);
    }
  }));

/** Publish a generation as the kubelet does: a new directory, and `..data` renamed over. */
function publish(volume: string, pair: Texts): void {
  const generation = mkdtempSync(join(volume, '..20'));
  write(generation, pair);
  symlinkSync(generation, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
}

test("Kubernetes' symlink swap is taken up, also in a directory of its own", async () => {
  for (const inside of ['', 'shop']) {
    const directory = temporaryDirectory('certificates');
    const volume = join(directory, inside);
    mkdirSync(volume, { recursive: true });
    publish(volume, one);
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(volume, file));
    const it = await openStore({ TLS_CERT_DIR: directory, TLS_CERT_NAME: inside || 'tls' }, EVENTS);
    for (const pair of [two, three]) {
      publish(volume, pair);
      await serves(it, pair);
    }
    assert.equal(await it.reloads(), { loaded: 2 });
    it.store.close();
  }
});

test("certbot's links into another directory are followed, swapped or written behind", async () => {
  const root = temporaryDirectory('certificates');
  const [live, archive] = [join(root, 'live'), join(root, 'archive')];
  for (const path of [live, archive, join(live, 'a.example')]) mkdirSync(path);
  const put = (number: number, { cert, key }: Texts): void => {
    writeFileSync(join(archive, `fullchain${number}.pem`), cert);
    writeFileSync(join(archive, `privkey${number}.pem`), key);
  };
  const link = (number: number): void => {
    for (const file of ['fullchain', 'privkey']) {
      symlinkSync(join(archive, `${file}${number}.pem`), join(live, 'a.example', 'next'));
      renameSync(join(live, 'a.example', 'next'), join(live, 'a.example', `${file}.pem`));
    }
  };
  put(1, one);
  link(1);
  const it = await openStore({ TLS_CERT_DIR: live, TLS_CERT_NAME: 'a.example' }, EVENTS);
  put(2, two);
  link(2);
  await serves(it, two);
  put(2, three);
  await serves(it, three);
  it.store.close();
});

test('a directory that is itself a symlink is followed when it is swapped', async () => {
  const root = temporaryDirectory('certificates');
  for (const [name, pair] of [
    ['first', one],
    ['second', two],
  ] as const) {
    mkdirSync(join(root, name));
    write(join(root, name), pair);
  }
  symlinkSync('first', join(root, 'current'));
  const it = await openStore({ TLS_CERT_DIR: join(root, 'current') }, EVENTS);
  const swap = (target: string): void => {
    symlinkSync(target, join(root, 'next'));
    renameSync(join(root, 'next'), join(root, 'current'));
  };
  for (const [target, pair] of [
    ['second', two],
    ['first', one],
    ['second', two],
  ] as const) {
    swap(target);
    await serves(it, pair);
  }
  write(join(root, 'second'), three);
  await serves(it, three);
  it.store.close();
});

test('where changes make no events the poll finds them', () =>
  opened({ settle: 3_600_000, confirm: 50, poll: 50 }, async (directory, it) => {
    write(directory, two);
    await serves(it, two);
  }));

test('a broken pair never replaces a good one, and is reported once for each content', () =>
  opened(EVENTS, async (directory, it) => {
    const key = join(directory, 'tls.key');
    const refusals = (): string[] => it.lines.filter((line) => line.startsWith('error'));
    writeFileSync(key, other.key);
    await eventually('the wrong key is reported', () => refusals().length === 1);
    assert.is(
      refusals()[0],
      `error certificate refused: ${key} is not the key of ${join(directory, 'tls.crt')}; accepted is the key that the certificate was made for; the one in use stays`,
    );
    writeFileSync(key, other.key);
    await eventually('the same content is seen again', async () => (await it.reloads())['unchanged'] === 1);
    writeFileSync(key, 'nonsense');
    await eventually('other content is reported', () => refusals().length === 2);
    assert.is(String(it.store.default.cert), one.cert);
    assert.equal(await it.reloads(), { refused: 2, unchanged: 1 });
    write(directory, two);
    await serves(it, two);
    writeFileSync(key, 'nonsense');
    await eventually('the same content is news beside another certificate', () => refusals().length === 3);
  }));

test('a key that arrives after its certificate is no refusal', () =>
  opened({ settle: 10, confirm: 1000, poll: 3_600_000 }, async (directory, it) => {
    writeFileSync(join(directory, 'tls.crt'), two.cert);
    // Long past `settle`, so that the half-written state is looked at.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.is(String(it.store.default.cert), one.cert);
    writeFileSync(join(directory, 'tls.key'), two.key);
    await serves(it, two);
    assert.equal(await it.reloads(), { loaded: 1 });
    assert.equal(
      it.lines.filter((line) => !line.startsWith('info')),
      [],
    );
  }));

test('a certificate that is not valid yet is taken up once it is', async () => {
  const soon = await certify({ from: 61.5 / 86_400 });
  await opened({ settle: 10, confirm: 100, poll: 50 }, async (directory, it) => {
    write(directory, soon);
    await eventually('it is refused', async () => (await it.reloads())['refused'] === 1);
    await serves(it, soon);
    assert.equal(await it.reloads(), { refused: 1, loaded: 1 });
  });
});

test('certificates that vanish are served on with a warning, and taken up when they are back', () =>
  opened(EVENTS, async (directory, it) => {
    unlinkSync(join(directory, 'tls.crt'));
    await eventually('it is said', () => it.lines.some((line) => line.startsWith('warn')));
    assert.is(it.lines[0], `warn ${directory} no longer holds the certificate tls: the one in use is served on`);
    assert.is(String(it.store.default.cert), one.cert);
    write(directory, two);
    await serves(it, two);
  }));

test('a whole directory may vanish and come back', () =>
  opened({ ...EVENTS, poll: 100 }, async (directory, it) => {
    rmSync(directory, { recursive: true });
    await eventually('it is said', () => it.lines.some((line) => line.startsWith('warn')));
    mkdirSync(directory);
    write(directory, two);
    await serves(it, two);
  }));

test('a new pair is added, and names are looked at from then on', () =>
  opened(EVENTS, async (directory, it) => {
    let changes = 0;
    it.store.onChange(() => changes++);
    assert.not(it.store.needsServerName);
    write(directory, other, 'other');
    await eventually('names matter', () => it.store.needsServerName);
    assert.is(changes, 1);
    assert.is.not(it.store.contextFor('b.example'), it.store.default.context);
    mkdirSync(join(directory, 'third'));
    copyFileSync(join(directory, 'tls.crt'), join(directory, 'third', 'tls.crt'));
    copyFileSync(join(directory, 'tls.key'), join(directory, 'third', 'tls.key'));
    await eventually('a directory that came later is watched', () => changes === 2);
  }));

test('a new pair that is broken is reported, and again when it comes back after it was gone', () =>
  opened(EVENTS, async (directory, it) => {
    const refusals = (): number => it.lines.filter((line) => line.startsWith('error')).length;
    for (const times of [1, 2]) {
      write(directory, { cert: other.cert, key: one.key }, 'other');
      await eventually(`it is reported ${times} times`, () => refusals() === times);
      unlinkSync(join(directory, 'other.crt'));
      await eventually('its absence is seen', async () => (await it.reloads())['unchanged'] === times);
    }
    assert.not(it.store.needsServerName);
    assert.match(
      it.lines[0]!,
      /^error certificate refused: .*other\.key is not the key of .*other\.crt; accepted is the key that the certificate was made for$/,
    );
  }));

test('a certificate that expires in use is served on, with one warning', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, await certify({ to: 2 / 86_400 }));
  const it = await openStore({ TLS_CERT_DIR: directory }, { settle: 10, confirm: 50, poll: 20 });
  await eventually('it is said', () => it.lines.length > 0);
  assert.match(it.lines[0]!, /^warn .*tls\.crt \(serial [0-9A-F]+\) has expired on .* and is still served/);
  write(directory, two);
  await serves(it, two);
  assert.is(it.lines.filter((line) => line.startsWith('warn')).length, 1);
  it.store.close();
});

test('after close() nothing is looked at any more', () =>
  opened({ settle: 5, confirm: 5, poll: 5 }, async (directory, it) => {
    it.store.close();
    write(directory, two);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.is(String(it.store.default.cert), one.cert);
  }));

test.run();
