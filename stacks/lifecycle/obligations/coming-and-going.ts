/** Each container of the pod restarted, crashed, recreated and upgraded, and nobody else touched. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import { IMAGE_LABEL } from '../../../scripts/lib/labels.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { certificate, fetchPage } from '../lib/client.ts';
import { episode, told } from '../lib/episode.ts';
import { expected, type Happening } from '../lib/expected.ts';
import { LASTING, livesOf, signal, type Service } from '../lib/pod.ts';

/** What each says as soon as it does its work. */
const BACK = { reports: /reports on 127\.0\.0\.1:8000/, tls: /"msg":"listening/, probe: /"msg":"reports is healthy"/ };
const OPTIONS = { timeoutMs: 60_000 };
const WITHIN = 90_000;

type Mortal = Exclude<Service, 'pod'>;

const restart = (project: Project, service: string): Promise<unknown> => project.compose(['restart', service], OPTIONS);
const recreate = (project: Project, service: string, env: Record<string, string> = {}): Promise<unknown> =>
  project.compose(['up', '--detach', '--no-deps', '--force-recreate', service], {
    ...OPTIONS,
    env: { ...project.env, ...env },
  });

const EVENTS: readonly {
  readonly happening: Happening;
  readonly what: string;
  readonly say: (name: string) => string;
  readonly act: (project: Project, service: Mortal) => Promise<unknown>;
}[] = [
  {
    happening: 'restart',
    what: 'restarted',
    say: (name) => `${name} is restarted with docker compose restart.`,
    act: restart,
  },
  {
    happening: 'crash',
    what: 'crashes',
    say: (name) => `${name} crashes.`,
    act: (project, service) => signal(project, 'KILL', service),
  },
  { happening: 'recreate', what: 'recreated', say: (name) => `${name} is replaced by a new container.`, act: recreate },
];

export function comingAndGoingObligations({ must }: Scenario): void {
  for (const services of [[], ['pod']])
    must(
      `be whole again after \`docker compose restart${services.map((each) => ` ${each}`).join('')}\``,
      {
        say:
          services.length === 0
            ? 'Everything is restarted at once, by docker compose restart. The pod comes first, the others join it.'
            : 'The pod alone is restarted. Who joined it follows.',
        within: WITHIN,
      },
      async ({ project, port, say }) => {
        await project.compose(['restart', ...services], OPTIONS);
        const ca = await certificate(project);
        await eventually('the pod serves', async () => (await fetchPage(port('HTTPS'), ca)).status === 200, {
          within: 30_000,
        });
        const lives = Object.values(await livesOf(project, LASTING));
        assert.is(new Set(lives.map(({ network }) => network)).size, 1, 'all are in one network namespace');
        assert.is(new Set(lives.map(({ processes }) => processes)).size, 1, 'and in one pid namespace');
        say(`all four in ${lives[0]!.network}`);
      },
    );

  for (const [service, name] of [
    ['reports', 'The app'],
    ['tls', 'The TLS sidecar'],
    ['probe', 'The probe sidecar'],
  ] as const) {
    for (const { happening, what, say, act } of EVENTS) {
      must(
        `leave everybody else untouched when ${service} ${what === 'crashes' ? what : `is ${what}`}`,
        { say: say(name), within: WITHIN },
        async ({ project, port, say: tell }) => {
          const outcome = await episode({
            project,
            port: port('HTTPS'),
            service,
            act: async () => void (await act(project, service)),
            back: BACK[service],
          });
          const { restarts, sameContainer } = expected('pod', happening, service);
          // A command begins the count anew.
          const counted = happening === 'crash' ? outcome.before.restarts : 0;
          assert.is(outcome.after.restarts, counted + restarts, 'restarts by the engine');
          assert.is(outcome.after.id === outcome.before.id, sameContainer, 'the same container');
          if (service === 'probe') assert.equal(outcome.misses, [], 'no request failed');
          tell(told(outcome));
        },
      );
    }
  }

  for (const [service, name] of [
    ['tls', 'The TLS sidecar'],
    ['probe', 'The probe sidecar'],
  ] as const) {
    must(
      `leave everybody else untouched when ${service} is upgraded to another image`,
      { say: `${name} is upgraded to another image.`, within: WITHIN },
      async ({ project, port, say }) => {
        const tag = `${project.name}-next`;
        const { Image } = await project.inspect(service);
        await docker(
          [
            'build',
            '--quiet',
            '--label',
            'org.opencontainers.image.version=next',
            '--label',
            `${IMAGE_LABEL}=${service}`,
            '--tag',
            `sidecar-stacks/${service}:${tag}`,
            '-',
          ],
          { ...OPTIONS, input: `FROM sidecar-stacks/${service}:${process.env['IMAGE_TAG'] ?? 'dev'}\n` },
        );
        try {
          const outcome = await episode({
            project,
            port: port('HTTPS'),
            service,
            act: async () => void (await recreate(project, service, { IMAGE_TAG: tag })),
            back: BACK[service],
          });
          assert.is.not((await project.inspect(service)).Image, Image);
          if (service === 'probe') assert.equal(outcome.misses, [], 'no request failed');
          say(told(outcome));
          await recreate(project, service);
          assert.is((await project.inspect(service)).Image, Image, 'and taken back');
        } finally {
          await docker(['image', 'rm', '--force', `sidecar-stacks/${service}:${tag}`], OPTIONS);
        }
      },
    );
  }
}
