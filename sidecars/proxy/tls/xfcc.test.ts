import { X509Certificate } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { parseAltNames } from './subject-alt-names.ts';
import { certify, type CertificateOptions } from '#kit/testing/certify.ts';
import { distinguishedName, xfccElement } from './xfcc.ts';

async function element(wish: CertificateOptions): Promise<string> {
  const certificate = new X509Certificate((await certify(wish)).cert);
  return xfccElement(certificate, parseAltNames(certificate.subjectAltName));
}

test("an element has Envoy's form", async () => {
  const text = await element({
    subject: 'CN=ann,O=Example',
    altNames: [
      { type: 'url', value: 'spiffe://d/ann' },
      { type: 'dns', value: 'Ann.example.org' },
      { type: 'email', value: 'a@b' },
    ],
  });
  assert.match(text, /^Hash=[0-9a-f]{64};Subject="O=Example,CN=ann";URI=spiffe:\/\/d\/ann;DNS=ann\.example\.org$/);
});

test('a certificate without names has a hash and an empty subject', async () => {
  assert.match(await element({ subject: [] }), /^Hash=[0-9a-f]{64};Subject=""$/);
});

test('a distinguished name is reversed, and its special characters stand in hex', () => {
  assert.is(distinguishedName('C=DE\nO=A\\, B\nCN=x + OU=y'), 'CN=x+OU=y,O=A\\2C B,C=DE');
  assert.is(distinguishedName('CN=a\\"b\\\\\\0A\\+é'), 'CN=a\\22b\\5C\\0A\\2B\\C3\\A9');
  assert.is(distinguishedName(undefined), '');
});

test('URIs that hold dividers are quoted, and characters that no URI holds are percent-encoded', async () => {
  const text = await element({
    altNames: [
      { type: 'url', value: 'x:a;b=c,d' },
      { type: 'url', value: 'x:"\\\r\n ' },
    ],
  });
  assert.match(text, /;URI="x:a;b=c,d";URI=x:%22%5C%0D%0A%20$/);
});

/** A reader that knows quotes and semicolons, and no backslashes. */
function naiveKeys(text: string): string[] {
  return [...text.matchAll(/(?:^|;)([A-Za-z]+)=(?:"[^"]*"|[^;,"]*)(?=;|$)/g)].map((match) => match[1]!);
}

test('whatever the names hold, they add no key, no element, no line and no byte outside ASCII', async () => {
  const hostile = fc
    .array(
      fc.constantFrom(
        'a',
        '"',
        '\\',
        ';',
        ',',
        '=',
        '\r\n',
        'Hash=',
        'é',
        '\u0000',
        ' ',
        '+',
        '<',
        '";URI=spiffe://admin',
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(
      hostile,
      hostile,
      hostile.map((text) => text.replaceAll('é', 'e')),
      async (cn, o, uri) => {
        const text = await element({
          subject: [{ CN: [{ utf8String: cn }] }, { O: [{ utf8String: o }] }],
          altNames: [
            { type: 'url', value: uri },
            { type: 'dns', value: uri },
          ],
        });
        assert.match(text, /^[\x20-\x7e]*$/);
        assert.equal(naiveKeys(text).slice(0, 3), ['Hash', 'Subject', 'URI']);
        const rest = text.replace(/^Hash=[0-9a-f]{64};Subject="[^"]*";URI=(?:"[^"]*"|[^;,="]*)/, '');
        assert.match(rest, /^(?:;DNS=[a-z0-9.-]+)?$/);
      },
    ),
    { numRuns: 150 },
  );
});

test.run();
