/** How clients get in: over TLS alone, with the right certificate, over HTTP/1.1 and HTTP/2. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, fetchPage, fetchPageH2, handshake, home, HOST, PAGE } from '../lib/client.ts';

export function entryObligations({ must }: Scenario): void {
  must(
    'let nothing reach the app but through TLS',
    {
      say: 'A guest book from the nineties: Perl, HTTP/1.0, no encryption. It listens on the loopback interface of its pod, where nobody but its sidecar can reach it.',
    },
    async ({ project, port, say }) => {
      const connect = (at: number): Promise<string> =>
        project
          .exec('broker-pod', ['bash', '-c', `exec 3<>/dev/tcp/guestbook-pod/${at} && echo open`])
          .catch(() => 'closed');
      assert.is(await connect(8443), 'open', 'a neighbour reaches the sidecar');
      assert.is(await connect(8080), 'closed', 'a neighbour reaches the app');
      const sockets = await project.exec('guestbook-pod', ['cat', '/proc/net/tcp']);
      const listening = sockets
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === '0A')
        .map((fields) => fields[1]!.split(':'));
      const outside = listening
        .filter(([address]) => address === '00000000')
        .map(([, hex]) => Number.parseInt(hex!, 16))
        .toSorted((a, b) => a - b);
      assert.equal(outside, [8081, 8443, 9901], 'ports that are open to the outside');
      const plain = await fetchPage(`http://${HOST}:${port('HTTPS')}/`).catch((error: Error) => error.message);
      assert.not.match(JSON.stringify(plain), /home page/, 'plain HTTP on the TLS port shows the page');
      say(`open to the outside: ${outside.join(', ')} (TLS, redirect, admin); the app's 8080 is not`);
    },
  );

  must(
    "show a certificate of the stack's CA, which no other CA verifies",
    {
      say: 'The certificate is checked as a browser would: the right authority, the right name.',
    },
    async ({ project, port, say }) => {
      const ca = await authorityOf(project);
      const socket = await handshake(port('HTTPS'), { ca });
      say(`${socket.getProtocol()}, ${socket.getCipher().standardName}, ${socket.getPeerCertificate().subjectaltname}`);
      socket.destroy();
      const other = (await project.run('pki', ['cat', '/pki/other.crt'])).trim();
      const refused = await handshake(port('HTTPS'), { ca: other }).then(
        () => 'accepted',
        (error: NodeJS.ErrnoException) => error.code,
      );
      assert.match(refused!, /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER/);
      const misnamed = await handshake(port('HTTPS'), { ca, servername: 'somewhere.example' }).then(
        () => 'accepted',
        (error: NodeJS.ErrnoException) => error.code,
      );
      assert.is(misnamed, 'ERR_TLS_CERT_ALTNAME_INVALID');
    },
  );

  must(
    'exchange keys by X25519MLKEM768, and as before with clients that do not know it',
    {
      say: 'What is recorded today is of no use to a quantum computer later: keys are exchanged by X25519 and ML-KEM-768 together.',
    },
    async ({ project, port, say }) => {
      const ca = await authorityOf(project);
      const agreed = async (options: object): Promise<string | undefined> => {
        const socket = await handshake(port('HTTPS'), { ca, ...options });
        const { name } = socket.getEphemeralKeyInfo() as { name?: string };
        socket.destroy();
        return name;
      };
      const group = await agreed({});
      assert.is(group, 'X25519MLKEM768');
      assert.is(await agreed({ ecdhCurve: 'X25519' }), 'X25519');
      say(`a client of OpenSSL ${process.versions.openssl} without settings: ${group}`);
    },
  );

  must(
    'serve the app over HTTP/1.1 and HTTP/2',
    {
      say: 'The app speaks HTTP/1.0 and closes every connection. Its clients get HTTP/1.1 and HTTP/2.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const one = await fetchPage(home(stage), { ca });
      assert.is(one.status, 200);
      assert.match(one.body, /Welcome to our home page/);
      const two = await fetchPageH2(home(stage), ca);
      assert.is(two.status, 200);
      assert.is(two.body, one.body);
    },
  );

  must(
    'tell the app who called and by which scheme, and ignore the claims of clients',
    {
      say: 'The sidecar tells the app who called, in headers that the app has always understood, and drops those that a client made up.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { body } = await fetchPage(home(stage, PAGE), {
        ca,
        headers: {
          'x-forwarded-for': '6.6.6.6',
          'x-forwarded-proto': 'gopher',
          x_forwarded_for: '6.6.6.6',
          forwarded: 'for=6.6.6.6',
        },
      });
      const seen = /You come from <b>([^<]*)<\/b> by <b>([^<]*)<\/b>, asking for <b>([^<]*)</.exec(body);
      assert.ok(seen, 'the page tells what the app was told');
      assert.is(seen[2], 'https');
      assert.is(seen[3], `${HOST}:${stage.port('HTTPS')}`);
      assert.match(seen[1]!, /^[0-9a-f.:]+$/);
      assert.not.match(body, /6\.6\.6\.6|gopher/);
      assert.not.equal(seen[1], '127.0.0.1', 'the sidecar is not the caller');
      const log = await stage.project.exec('guestbook', ['tail', '-n', '1', '/var/log/guestbook/access.log']);
      assert.ok(log.startsWith(`${seen[1]} - - `), `the app's own log has the caller: ${log}`);
      stage.say(log);
    },
  );

  must(
    'redirect plain HTTP to HTTPS',
    {
      say: 'A request by plain HTTP is redirected to HTTPS, and browsers are told to stay with HTTPS.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { status, headers } = await fetchPage(`http://${HOST}:${stage.port('HTTP')}${PAGE}?a=b`);
      assert.is(status, 308);
      assert.is(headers.location, home(stage, `${PAGE}?a=b`));
      const secure = await fetchPage(home(stage), { ca });
      assert.match(secure.headers['strict-transport-security'] ?? '', /^max-age=3600/);
    },
  );
}
