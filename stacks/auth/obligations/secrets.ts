/** What must be seen nowhere. */
import * as assert from 'uvu/assert';
import { adminPage } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { SHOP, Visitor, whoami } from '../lib/client.ts';

export function secretObligations({ must }: Scenario): void {
  must(
    'show no secret in logs, metrics, or to the app',
    {
      say: 'Secrets, cookies and codes: not in a log, not in a metric, not to the app, though it sees the processes of its pod.',
    },
    async ({ project, ...stage }) => {
      const visitor = new Visitor({ project, ...stage });
      const page = await visitor.login('discreet');
      const jar = visitor.jar(SHOP);
      const files = await project.exec('shop-auth', ['bash', '-c', 'cat /run/secrets/*']);
      const secrets = [...files.split('\n').filter((line) => line.length > 16), ...jar.values()];
      assert.ok(secrets.length >= 3);
      const { body: metrics } = await adminPage(project, 'shop-auth', '/metrics');
      const seen: Record<string, string> = { metrics, 'the app': page.body };
      for (const service of ['shop-auth', 'lobby-auth', 'trap-auth', 'shop-tls', 'guestbook'])
        seen[`the log of ${service}`] = await project.logs(await project.id(service));
      // The app sees the sidecar's processes, and nothing that they keep.
      seen['/proc'] = await project.exec('guestbook', [
        'bash',
        '-c',
        'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; cat $p/environ $p/root/run/secrets/* 2>/dev/null; echo; done 2>/dev/null',
      ]);
      assert.match(seen['/proc'], /auth\.mjs/, 'the app sees that there is a sidecar');
      for (const [place, text] of Object.entries(seen))
        for (const secret of secrets) assert.not.ok(text.includes(secret), `a secret is in ${place}`);
      assert.not.match(seen['/proc'], /OIDC_CLIENT_SECRET|AUTH_COOKIE_SECRET/, "the sidecar's environment");
      for (const [place, text] of Object.entries(seen))
        if (place.startsWith('the log of')) assert.not.match(text, /[?&](?:code|state)=|eyJ[\w-]{20}/, place);
      const { status } = await visitor.ask(whoami(SHOP));
      assert.is(status, 200);
    },
  );
}
