/** Certificates that are renewed, and one that is broken. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, CLIENTS, home, serialAt } from '../lib/client.ts';
import { startLoad } from '../lib/load.ts';

/** @param tampered for what must not meet other obligations: the sidecar's files are broken for a while */
export function certificateObligations({ must }: Scenario, tampered: Scenario): void {
  must(
    'keep every request while the certificate rotates',
    {
      say: `The certificate is renewed while ${CLIENTS} clients load the guest book.`,
    },
    async ({ project, port, say }) => {
      const ca = await authorityOf(project);
      const url = home({ port });
      const before = await serialAt(port('HTTPS'), ca);
      const load = startLoad(url, ca, CLIENTS);
      await eventually('the load runs', () => load.answered() > CLIENTS * 2);
      await project.run('pki', ['pki', 'renew', 'guestbook']);
      const after = await eventually('new connections see the new certificate', async () => {
        const serial = await serialAt(port('HTTPS'), ca);
        return serial !== before && serial;
      });
      const so_far = load.answered();
      await eventually('the load goes on', () => load.answered() > so_far + CLIENTS * 2);
      const report = await load.stop();
      assert.is(report.lost.length, 0, `${report.lost.length} requests lost: ${[...new Set(report.lost)].join(', ')}`);
      assert.is(report.refused, 0, 'connections refused');
      assert.equal([...report.statuses.keys()], [200]);
      assert.is(report.connections, CLIENTS, 'connections from before the rotation live on, so that no other was made');
      say(`${report.answered} requests answered, none lost; serial …${before.slice(-6)} became …${after.slice(-6)}`);
    },
  );

  tampered.must(
    'keep a good certificate when a broken pair arrives',
    {
      say: 'Somebody puts the wrong key beside the certificate. The good pair stays in use; a log line and a metric say why.',
    },
    async ({ project, port, say }) => {
      const ca = await authorityOf(project);
      const before = await serialAt(port('HTTPS'), ca);
      const refused = (): Promise<number> =>
        metric(project, 'guestbook-tls', 'tls_certificate_reloads_total{result="refused"}');
      const count = await refused();
      await project.run('pki', [
        'bash',
        '-c',
        'cp /certs/guestbook/tls.key /pki/good.key && cp /certs/broker/broker.key /certs/guestbook/tls.key',
      ]);
      await eventually('the broken pair is refused', async () => (await refused()) > count);
      assert.is(await serialAt(port('HTTPS'), ca), before);
      const line = (await project.logs((await project.inspect('guestbook-tls')).Id, 20))
        .split('\n')
        .findLast((each) => /"level":"(warn|error)"/.test(each));
      say((JSON.parse(line ?? '{}') as { msg?: string }).msg ?? 'no log line');
      assert.match(line ?? '', /key/i, 'a log line says why');
      await project.run('pki', ['bash', '-c', 'rm /pki/good.key && pki renew guestbook']);
      await eventually('the next good pair is taken', async () => (await serialAt(port('HTTPS'), ca)) !== before);
    },
  );
}
