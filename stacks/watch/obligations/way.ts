/** One request's way through tls, auth, cache, an unaware application and two proxies of the mesh. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { ask, watched, type Span } from '../lib/watched.ts';

/** Programs in the order of the way; the last two are mesh-proxies. */
const WAY = ['tls', 'auth', 'cache', 'mesh-proxy', 'mesh-proxy'];
const programOf = ({ scope }: Span): string => scope.split(' ')[0]!;

export function wayObligations({ must }: Scenario): void {
  must(
    'show one request as one trace through every sidecar',
    {
      say: 'A page of the shop is asked for once. TLS, login, cache and both proxies of the mesh tell of it; the shop itself only passed a header on.',
    },
    async (stage) => {
      const { id, parent, answer } = await ask(stage, '/product/mug');
      assert.is(answer.status, 200, String(answer.body));
      const { spans } = await watched(stage, id, 'five spans have come', (known) => known.spans.length === WAY.length);
      let before = parent;
      for (const [place, program] of WAY.entries()) {
        const span: Span | undefined = spans.find(({ parentSpanId }) => parentSpanId === before);
        assert.is(span && programOf(span), program, `place ${place}: ${JSON.stringify(spans)}`);
        before = span!.spanId;
      }
      assert.equal(
        spans.map(({ name, kind }) => `${kind} ${name}`),
        ['server GET', 'server GET /product/*', 'server GET', 'client GET /products/*', 'server GET'],
        'names have routes, never paths',
      );
      assert.is(spans[0]!.attributes['url.path'], '/product/mug');
      stage.say(`trace ${id}: ${spans.map((span) => programOf(span)).join(' → ')}`);
    },
  );

  must(
    'find the request’s log lines and metrics by the same id',
    {
      say: 'The lines of all sidecars, and of the catalogue itself, are in the log store under the trace’s id; Prometheus keeps it as an example.',
      needs: 'log-driver',
    },
    async (stage) => {
      const { id } = await ask(stage, '/product/kettle');
      const shippers = ['tls', 'auth', 'cache', 'mesh-proxy'];
      const { lines, exemplars } = await watched(stage, id, 'lines and exemplars have come', (known) => {
        const told = new Set(known.lines.map((line) => line['service.name']));
        const kept = new Set(known.exemplars.map(({ metric }) => metric['__name__']!.split('_')[0]));
        return (
          shippers.every((name) => told.has(name)) &&
          known.lines.some((line) => line['_msg']?.includes(`trace=00-${id}`)) &&
          ['tls', 'auth', 'cache'].every((name) => kept.has(name))
        );
      });
      for (const name of ['tls', 'auth', 'cache']) {
        const line = lines.find((each) => each['service.name'] === name)!;
        assert.equal(
          [line['trace.id'], line['url.path'], line['http.response.status_code'], line['_msg'], line['log.level']],
          [id, '/product/kettle', '200', 'request', 'info'],
        );
        assert.ok(Number(line['event.duration']) > 0);
      }
      stage.say(`${lines.length} log lines and ${exemplars.length} exemplars have it`);
    },
  );

  must(
    'end a trace where the cache answered, or the login was refused',
    { say: 'The second reader’s trace ends at the cache. Somebody without a login ends at auth, with the reason.' },
    async (stage) => {
      await ask(stage, '/product/teapot');
      // One that comes while the first is still being stored shares its answer, and is no hit.
      const id = await eventually('the cache answers', async () => {
        const second = await ask(stage, '/product/teapot');
        return /; hit/.test(String(second.answer.headers['cache-status'])) && second.id;
      });
      const { spans } = await watched(stage, id, 'three spans have come', (known) => known.spans.length === 3);
      assert.match(String(spans[2]!.attributes['cache.status']), /; hit/);
      const stranger = await ask(stage, '/orders');
      assert.is(stranger.answer.status, 401);
      const refused = await watched(stage, stranger.id, 'two spans have come', (known) => known.spans.length === 2);
      assert.is(refused.spans[1]!.events[0]?.attributes['exception.type'], 'unauthenticated');
      assert.is(refused.spans[1]!.name, 'GET /orders');
      const ann = await ask(stage, '/orders', { authorization: `Basic ${btoa('ann:tea')}` });
      assert.is.not(ann.answer.status, 401);
    },
  );

  must(
    'say why a request failed, where it failed',
    {
      say: 'The catalogue is stopped. The trace of the next request says so, in a sentence, at the proxy that saw it.',
    },
    async (stage) => {
      await stage.project.stop('catalogue');
      const { id, answer } = await ask(stage, '/product/strainer');
      assert.ok(answer.status >= 500, String(answer.status));
      const { spans } = await watched(stage, id, 'all spans have come', (known) => known.spans.length >= 4);
      const causes = spans
        .filter((span) => programOf(span) === 'mesh-proxy')
        .flatMap(({ events }) => events.map(({ attributes }) => String(attributes['exception.message'])));
      assert.ok(causes.length > 0, JSON.stringify(spans));
      stage.say(causes.join(' '));
      await stage.project.start('catalogue');
    },
  );
}
