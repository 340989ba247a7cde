import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AptSource } from '../engine/apt-sources.ts';
import { usable } from './debian-archive.ts';

const source = (uri: string, signedBy?: string): AptSource => ({
  types: ['deb'],
  uris: [uri],
  suites: ['trixie'],
  components: ['main'],
  options: signedBy === undefined ? {} : { 'Signed-By': signedBy },
});

test("the machine's mirrors go into an image only if they work there too", () => {
  const rows: [boolean, AptSource][] = [
    [true, source('http://mirror.example/debian')],
    [true, source('https://mirror.example/debian', '/usr/share/keyrings/debian-archive-keyring.gpg')],
    [true, source('http://mirror.example/debian', '/usr/share/keyrings/debian-archive-keyring.pgp')],
    [true, source('http://mirror.example/debian', '\n -----BEGIN PGP PUBLIC KEY BLOCK-----')],
    [false, source('http://mirror.example/debian', '/etc/apt/keyrings/company.gpg')],
    [false, source('mirror+file:///etc/apt/mirrors/debian.list')],
    [false, source('file:///srv/mirror')],
    [false, source('http://localhost:3142/debian')],
    [false, source('http://127.0.0.1/debian')],
  ];
  for (const [fits, one] of rows) assert.is(usable([one]).length, fits ? 1 : 0, one.uris[0]);
});

test('one that does not work spoils them all, since a release needs all its archives', () => {
  assert.equal(usable([source('http://mirror.example/debian'), source('file:///srv/security')]), []);
});

test.run();
