import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { createClientPolicy, type ClientPolicyParameters, type ClientVerdict } from './client-identity.ts';
import { certify, type CertificateOptions } from '#kit/testing/certify.ts';

const directory = mkdtempSync(join(tmpdir(), 'client-identity-'));
const ca = await certify({ subject: 'CN=clients', ca: true });
const caFile = join(directory, 'ca.crt');
writeFileSync(caFile, ca.cert);

test.after(() => rmSync(directory, { recursive: true }));

type Lists = { cn?: readonly string[]; dns?: readonly string[]; uri?: readonly string[] };
const parametersOf = ({ cn, dns, uri }: Lists, path = caFile): ClientPolicyParameters => ({
  TLS_CLIENT_CA: path,
  TLS_CLIENT_CRL: undefined,
  TLS_CLIENT_ALLOW_CN: cn,
  TLS_CLIENT_ALLOW_DNS: dns,
  TLS_CLIENT_ALLOW_URI: uri,
});

async function verdict(lists: Lists, wish: CertificateOptions): Promise<ClientVerdict> {
  const { cert } = await certify({ ...wish, issuer: ca });
  return createClientPolicy(parametersOf(lists)).check(new X509Certificate(cert));
}

function refusal(parameters: ClientPolicyParameters): string[] {
  try {
    createClientPolicy(parameters);
  } catch (error) {
    assert.instance(error, ConfigurationError);
    return (error as ConfigurationError).problems.map(
      ({ parameter, reason, message }) => `${parameter} ${reason} ${message}`,
    );
  }
  throw new Error('it was accepted');
}

const ANN: CertificateOptions = {
  subject: 'CN=ann',
  altNames: [
    { type: 'url', value: 'spiffe://d/ns/a' },
    { type: 'dns', value: 'ann.example.org' },
  ],
};

test('without lists every verified client is allowed, and its identity goes on', async () => {
  const { allowed, xfcc } = await verdict({}, ANN);
  assert.ok(allowed);
  assert.match(xfcc, /Subject="CN=ann";URI=spiffe:\/\/d\/ns\/a;DNS=ann\.example\.org$/);
});

test('a match in any list allows', async () => {
  assert.ok((await verdict({ cn: ['bob', 'ann'] }, ANN)).allowed);
  assert.ok((await verdict({ cn: ['bob'], dns: ['*.example.org'] }, ANN)).allowed);
  assert.ok((await verdict({ cn: ['bob'], uri: ['spiffe://d/**'] }, ANN)).allowed);
});

test('without a match the client is refused, with a reason and without an identity', async () => {
  const { allowed, reason, xfcc } = await verdict(
    { cn: ['bob'], dns: ['*.example.com'], uri: ['spiffe://d/ns/b'] },
    ANN,
  );
  assert.not(allowed);
  assert.is(xfcc, '');
  assert.is(reason, 'no allow-list matches "CN=ann, URI:spiffe://d/ns/a, DNS:ann.example.org"');
});

test('a name counts only in the list of its own kind', async () => {
  assert.not((await verdict({ cn: ['ann.example.org', 'spiffe://d/ns/a'] }, ANN)).allowed);
  assert.not(
    (await verdict({ dns: ['ann'] }, { subject: 'CN=ann', altNames: [{ type: 'email', value: 'ann' }] })).allowed,
  );
});

test('a name that holds another name is not that other name', async () => {
  for (const value of [
    'x, DNS:admin.example.org',
    'x", DNS:"admin.example.org',
    'x\u0000, DNS:admin.example.org',
    'admin.example.org\u0000.evil.org',
  ]) {
    assert.not(
      (
        await verdict(
          { dns: ['admin.example.org'] },
          {
            altNames: [
              { type: 'url', value },
              { type: 'dns', value },
            ],
          },
        )
      ).allowed,
      value,
    );
  }
  assert.not((await verdict({ cn: ['admin'] }, { subject: [{ O: [{ utf8String: 'x\nCN=admin' }] }] })).allowed);
  assert.not((await verdict({ cn: ['admin'] }, { subject: [{ CN: [{ utf8String: 'admin\u0000.evil' }] }] })).allowed);
});

test('of several common names none counts, and no common name is none', async () => {
  assert.not((await verdict({ cn: ['*'] }, { subject: [{ CN: ['ann'] }, { CN: ['admin'] }] })).allowed);
  assert.not((await verdict({ cn: ['*'] }, { subject: 'O=example' })).allowed);
  assert.ok((await verdict({ cn: ['*'] }, ANN)).allowed);
  assert.not((await verdict({ cn: ['admin', 'ann'] }, { subject: [{ CN: ['ann'] }, { CN: ['admin'] }] })).allowed);
});

test('a client CA that cannot be used is named, with what is accepted', () => {
  const file = join(directory, 'bad.crt');
  assert.match(
    refusal(parametersOf({}, join(directory, 'none')))[0]!,
    /^TLS_CLIENT_CA unreadable TLS_CLIENT_CA: \/.*none cannot be read \(ENOENT\); accepted is a file of PEM certificates/,
  );
  for (const [content, wrong] of [
    ['', /holds no PEM certificate/],
    [ca.cert.slice(0, -20), /cut short/],
    [ca.cert.replace(/MII.{20}/, 'MIIAAAA'), /malformed certificate \(number 1 of 1\)/],
  ] as const) {
    writeFileSync(file, content);
    assert.match(refusal(parametersOf({}, file))[0]!, wrong);
  }
  assert.equal(refusal(parametersOf({}, directory)).length, 1);
});

test('a client CA of which nothing is valid any more is refused', async () => {
  const file = join(directory, 'old.crt');
  writeFileSync(file, (await certify({ ca: true, from: -20, to: -1 })).cert);
  assert.match(refusal(parametersOf({}, file))[0]!, /have expired/);
  writeFileSync(file, (await certify({ ca: true, from: -20, to: -1 })).cert + ca.cert);
  chmodSync(file, 0o600);
  assert.ok(createClientPolicy(parametersOf({}, file)).clientCa);
});

test('lists without a CA, empty lists and bad patterns are refused, all in one go', () => {
  const problems = refusal({ ...parametersOf({ cn: [], dns: ['a.*'], uri: ['nothing'] }), TLS_CLIENT_CA: undefined });
  assert.is(problems.length, 6);
  for (const wrong of [
    /ALLOW_CN malformed .*holds no name/,
    /ALLOW_CN conflict .*needs TLS_CLIENT_CA/,
    /ALLOW_DNS malformed .*"a\.\*" is no pattern; accepted is a host name/,
    /ALLOW_URI malformed/,
  ]) {
    assert.ok(
      problems.some((problem) => wrong.test(problem)),
      String(wrong),
    );
  }
});

test.run();
