/** The apps know nothing of the mesh: they are the same without it. */
import * as assert from 'uvu/assert';
import { freePorts } from '#kit/testing/ports.ts';
import { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { shopAt } from '../lib/shop.ts';

interface Resolved {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const ROLE = 'dev.sidecar-stacks.role';
/** What an app is run with; the mesh adds only when it starts. */
const OF_AN_APP = ['image', 'command', 'entrypoint', 'environment', 'user', 'volumes', 'healthcheck', 'network_mode'];
const SHOP = ['front', 'catalogue-1', 'catalogue-2', 'orders', 'stock', 'database'];

export function unawareObligations({ must }: Scenario): void {
  must(
    'leave image, environment and command of every app as they are without a mesh',
    {
      say: 'The mesh is one more file. Image, environment, command, user and volumes of every app are the same with it and without.',
    },
    async ({ project, say }) => {
      const [meshed, plain] = await Promise.all(
        [[], ['-f', 'compose.yaml']].map(
          async (files) =>
            JSON.parse(
              await project.compose([...files, 'config', '--format', 'json'], { timeoutMs: 60_000 }),
            ) as Resolved,
        ),
      );
      const apps = Object.entries(plain!.services).filter(
        ([, { labels }]) => (labels as Record<string, string>)[ROLE] === 'app',
      );
      assert.ok(apps.length >= 10, `${apps.length} apps`);
      for (const [name, app] of apps) {
        for (const key of OF_AN_APP) assert.equal(meshed!.services[name]![key], app[key], `${name}: ${key}`);
        const { Config } = await project.inspect(name);
        assert.equal(
          Config.Env.filter((each) => /mesh|xds|control/i.test(each)),
          [],
          `environment of ${name}`,
        );
      }
      say(`${apps.length} apps, nothing changed`);
    },
  );

  must(
    'sell just so without the mesh',
    {
      say: 'The same shop without the mesh: docker compose -f compose.yaml up.',
      within: 180_000,
    },
    async ({ project }) => {
      const [port] = await freePorts(1);
      const plain = new Project({
        name: `${project.name}-plain`,
        dir: project.dir,
        env: { ...project.env, PUBLISH_SHOP: String(port) },
      });
      const files = ['-f', 'compose.yaml'];
      try {
        await plain.compose([...files, 'up', '--detach', '--wait', ...SHOP], { timeoutMs: 120_000 });
        const shop = shopAt(port!);
        assert.is((await shop.get('/')).status, 200);
        const order = await shop.post('/order/teapot');
        assert.is(order.status, 201, order.text);
      } finally {
        await plain.compose([...files, 'down', '--volumes', '--timeout', '2'], { timeoutMs: 60_000 });
      }
    },
  );
}
