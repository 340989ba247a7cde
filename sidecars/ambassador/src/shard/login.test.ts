/** Servers with TLS and access lists: nothing is said to one that its authority does not know. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { TestPlane } from '../testing/plane.ts';

const authority = await certify({ subject: 'CN=authority', ca: true });
const altNames = [{ type: 'ip' as const, value: '127.0.0.1' }];
const right = await certify({ subject: 'CN=server', altNames, issuer: authority });
const misnamed = await certify({ subject: 'CN=server', names: ['other.test'], issuer: authority });
const stranger = await certify({ subject: 'CN=server', altNames });

/** An ambassador whose server begins anew with this certificate and login. */
async function plane(
  certificate: { readonly cert: string; readonly key: string } | undefined,
  login: string,
): Promise<TestPlane> {
  const made = await TestPlane.start(1, { login: { user: 'shop', password: 'hunter2', ca: authority.cert } });
  const server = made.servers[0]!;
  await server.kill();
  server.certificate = certificate;
  server.login = login;
  await server.start();
  return made;
}

test('with TLS and a user of the access list commands are carried out, in both protocols', async () => {
  const made = await plane(right, 'shop hunter2');
  try {
    const client = await made.client();
    await eventually('the server is reached', async () => (await client.ask('SET', 'a', '1')) === 'OK');
    await client.ask('HELLO', '3');
    assert.is(await client.ask('GET', 'a'), '1');
    assert.equal(
      made.servers[0]!.seen.find(([name]) => name === 'HELLO'),
      ['HELLO', '3', 'AUTH', 'shop', 'hunter2'],
    );
  } finally {
    await made.close();
  }
});

for (const [what, certificate, login] of [
  ['a certificate of another authority', stranger, 'shop hunter2'],
  ['a certificate for another name', misnamed, 'shop hunter2'],
  ['another password', right, 'shop other'],
] as const)
  test(`a server with ${what} is down, and gets no command`, async () => {
    const made = await plane(certificate, login);
    try {
      const client = await made.client();
      await eventually(
        'it is down',
        () => made.plane.wrong !== undefined && !/ECONNREFUSED|not reached/.test(made.plane.wrong),
      );
      assert.instance(await client.ask('SET', 'a', '1'), ReplyError);
      const names = made.servers[0]!.seen.map(([name]) => name);
      assert.is(names.includes('SET'), false);
      if (certificate !== right) assert.equal(names, []);
    } finally {
      await made.close();
    }
  });

test.run();
