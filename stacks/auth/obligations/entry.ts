/** What gets to the app, and what the app is told. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { ask, SHOP, told, Visitor, whoami } from '../lib/client.ts';

export function entryObligations({ must }: Scenario): void {
  must(
    'let nothing reach the app but through its login, also not from a neighbour',
    { say: 'The app listens on the loopback interface of its pod. So does the auth sidecar: before them is TLS.' },
    async ({ project, say }) => {
      const connect = (at: number): Promise<string> =>
        project.exec('trap-pod', ['bash', '-c', `exec 3<>/dev/tcp/shop-pod/${at} && echo open`]).catch(() => 'closed');
      assert.is(await connect(8443), 'open', 'a neighbour reaches TLS');
      assert.is(await connect(4180), 'closed', 'a neighbour reaches the auth sidecar');
      assert.is(await connect(8080), 'closed', 'a neighbour reaches the app');
      const sockets = await project.exec('shop-pod', ['cat', '/proc/net/tcp']);
      const outside = sockets
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === '0A' && fields[1]!.startsWith('00000000:'))
        .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16))
        .toSorted((a, b) => a - b);
      assert.equal(outside, [8443, 9901, 9904], 'ports that are open to the outside: TLS, and two admin ports');
      say(`open to the outside: ${outside.join(', ')} (TLS, and the sidecars' admin ports)`);
    },
  );

  must(
    'tell the app who has logged in, and believe nobody else about it, in any spelling',
    { say: 'Who is signed in, the app reads from a header. The same header from a client is removed.' },
    async (stage) => {
      const visitor = new Visitor(stage);
      const page = await visitor.login('ann');
      assert.is(page.status, 200, page.body.slice(0, 500));
      assert.is(told(page)['HTTP_X_FORWARDED_USER'], 'ann');
      assert.is(told(page)['HTTP_X_FORWARDED_EMAIL'], 'ann@shop.example');
      assert.is(told(page)['HTTP_X_FORWARDED_GROUPS'], 'staff');
      assert.is(told(page)['HTTP_X_FORWARDED_PROTO'], 'https');
      assert.is(told(page)['HTTP_X_FORWARDED_HOST'], 'shop.example:8443');
      const forged: Record<string, string>[] = [];
      for (const name of ['User', 'Email', 'Groups', 'Preferred-Username', 'Access-Token'])
        for (const mark of ['-', '_', '.']) {
          const spelt = `X-Forwarded-${name}`.replaceAll('-', mark);
          forged.push({ [spelt]: 'forged' }, { [spelt]: 'forged', connection: `close, ${spelt}` });
          forged.push({ [spelt.toLowerCase()]: 'forged' });
        }
      forged.push({ connection: 'close, X-Forwarded-User, X-Forwarded-Groups' });
      for (const headers of forged) {
        const seen = await visitor.ask(whoami(SHOP), { headers });
        assert.is(seen.status, 200, JSON.stringify(headers));
        assert.not.match(seen.body, /forged/, JSON.stringify(headers));
        assert.is(told(seen)['HTTP_X_FORWARDED_USER'], 'ann', JSON.stringify(headers));
        assert.is(told(seen)['HTTP_X_FORWARDED_GROUPS'], 'staff', JSON.stringify(headers));
        assert.not.match(told(seen)['HTTP_COOKIE'] ?? '', /session/);
      }
      const nobody = await ask(stage, `${SHOP}/public/x`, { headers: { 'x-forwarded-user': 'forged' } });
      assert.is(nobody.status, 404, 'a public path, where the app is asked without a login');
      stage.say(`${forged.length} forgeries, none seen by the app`);
    },
  );

  must(
    'hold its rules whatever way a path is spelt',
    { say: 'Some pages are public, one is for nobody, some are for a group. No spelling of a path opens another.' },
    async (stage) => {
      const paths = [
        '/public/../cgi-bin/whoami.cgi',
        '/public/%2e%2e/cgi-bin/whoami.cgi',
        '/public/..%2fcgi-bin/whoami.cgi',
        '/public//../cgi-bin/whoami.cgi',
        '//cgi-bin/whoami.cgi',
        '/public/..;/cgi-bin/whoami.cgi',
        '/public;/../cgi-bin/whoami.cgi',
        '/cgi-bin/whoami.cgi?x=/public',
        '/cgi-bin/whoami.cgi%3f/public',
        '/cgi-bin/whoami.cgi%23/../public/',
        '/%63gi-bin/whoami.cgi',
        '/public/..%5ccgi-bin/whoami.cgi',
        '/public/%252e%252e/cgi-bin/whoami.cgi',
        '/cgi-bin/whoami.cgi#/public',
        '/public/#/../../x',
        '/secret.html/../cgi-bin/whoami.cgi',
      ];
      for (const target of paths) {
        for (const headers of [
          {},
          { 'x-forwarded-uri': '/public/x', 'x-original-url': '/public/x', 'x-rewrite-url': '/public/x' },
          { 'user-agent': 'kube-probe/1.30' },
          { 'user-agent': 'ELB-HealthChecker/2.0' },
        ] as Record<string, string>[]) {
          const { status, body } = await ask(stage, SHOP, { target, headers });
          assert.ok([302, 400, 403].includes(status), `${target} ${JSON.stringify(headers)}: ${status}`);
          assert.not.match(body, /GATEWAY_INTERFACE/, target);
        }
      }
      assert.is((await ask(stage, `${SHOP}/index.html`)).status, 200, 'a public page needs no login');
      const ann = new Visitor(stage);
      await ann.login('ann');
      const root = new Visitor(stage);
      await root.login('root');
      for (const target of [
        '/cgi-bin/admin/x',
        '/cgi-bin/%61dmin/x',
        '/public/../cgi-bin/admin/x',
        '/cgi-bin//admin/x',
        '/cgi-bin/admin;x/y',
      ])
        assert.is((await ann.ask(SHOP, { target })).status, 403, target);
      assert.is((await root.ask(`${SHOP}/cgi-bin/admin/x`)).status, 404, 'who is of the group gets to the app');
      for (const target of ['/secret.html', '/secret%2ehtml', '/public/../secret.html'])
        assert.is((await root.ask(SHOP, { target })).status, 403, target);
      stage.say(`${paths.length} spellings by 4 kinds of clients, none of them in`);
    },
  );

  must(
    'answer a script with 401 and JSON, never with a redirect',
    { say: 'A script cannot use a login page. It is told 401.' },
    async (stage) => {
      const nobody = new Visitor(stage);
      for (const url of [whoami(SHOP), `${SHOP}/api/things`]) {
        const answer = await nobody.xhr(url);
        assert.is(answer.status, 401);
        assert.equal(JSON.parse(answer.body), { error: 'unauthenticated', login: '/oauth2/start' });
      }
      assert.is((await nobody.ask(`${SHOP}/api/things`)).status, 401, 'for any request to a path of AUTH_API_PATHS');
    },
  );

  must(
    'let somebody of 300 groups in, tell the app as many as fit, and say so in its log',
    { say: 'Somebody is in 300 groups: more than a header should hold.' },
    async (stage) => {
      const many = new Visitor(stage);
      const page = await many.login('many');
      assert.is(page.status, 200, page.body.slice(0, 300));
      const field = told(page)['HTTP_X_FORWARDED_GROUPS']!;
      assert.ok(field.length <= 4096 && field.length > 3500, `${field.length} bytes`);
      assert.match(await stage.project.logs(await stage.project.id('shop-auth')), /more groups than fit/);
      stage.say(`${field.split(',').length} of 300 groups in ${field.length} bytes`);
    },
  );
}
