/** What stands in the place of services that cannot be made fits together with all others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_POLICY, MeshStates } from '../mesh/mesh.ts';
import type { ServicePolicy } from '../policy/types.ts';
import type { Replica } from '../registry/registry.ts';
import type { Response } from './client-stream.ts';
import { show } from './resources/messages.ts';
import { CDS, EDS, LDS, RDS, type Resource, type TypeUrl } from './resources/types.ts';
import { Views } from './views.ts';
import { WorldStream } from './state-of-the-world.ts';

const PORTS = [{ port: 8000, protocol: 'http' }] as const;
/** Nothing that the policy's schema lets in is this: it stands for what nobody has thought of. */
const WRONG = { ports: PORTS, routes: [null] } as unknown as ServicePolicy;

const replica = (service: string): Replica => ({
  id: service,
  service,
  name: `${service}-1`,
  address: '192.0.2.1',
  labels: { version: '1' },
  ports: [],
  phase: 'ready',
  expires: 0,
  probe: 'unknown',
  leaseDigest: '',
});

class Plane {
  readonly views = new Views();
  readonly #states = new MeshStates();

  /** @returns services that cannot be made */
  publish(services: Readonly<Record<string, ServicePolicy>>, replicas: readonly Replica[] = [replica('a')]): string[] {
    const { state, failures } = this.#states.next({
      trustDomain: 'mesh.test',
      namespace: 'shop',
      policy: { ...EMPTY_POLICY, services },
      splits: [],
      replicas,
      resolved: new Map(),
      probed: new Map(),
    });
    return [...this.views.update(state, 'roots', failures).failures.keys()].toSorted();
  }

  names(type: TypeUrl): string[] {
    return [...this.views.of(undefined)[type].all()].map(({ name }) => name);
  }

  get hosts(): Record<string, string[]> {
    const routes = this.views.of(undefined)[RDS].get('outbound|8000')!;
    const { virtual_hosts: hosts } = shown(routes) as { virtual_hosts: { name: string; domains: string[] }[] };
    return Object.fromEntries(hosts.map(({ name, domains }) => [name, domains.filter((each) => !each.includes(':'))]));
  }
}
const shown = ({ any }: Resource): Record<string, unknown> =>
  show(any.type_url.slice(any.type_url.lastIndexOf('/') + 1), any.value);

test('a host that moved to another service is no longer served by the one that is held back', () => {
  const plane = new Plane();
  const a: ServicePolicy = { ports: PORTS, hosts: ['shop.test', 'old.test'] };
  assert.equal(plane.publish({ a, b: { ports: PORTS } }), []);
  assert.equal(plane.publish({ a: WRONG, b: { ports: PORTS, hosts: ['shop.test'] } }), ['a']);
  assert.equal(plane.hosts, { 'a:8000': ['a', 'old.test'], 'b:8000': ['b', 'shop.test'] });
  // And the same again, also where its own name is another's now.
  assert.equal(plane.publish({ a: WRONG, b: { ports: PORTS, hosts: ['shop.test', 'a'] } }), ['a']);
  assert.equal(plane.hosts, { 'b:8000': ['b', 'shop.test', 'a'] });
  assert.equal(plane.publish({ a, b: { ports: PORTS } }), []);
  assert.equal(plane.hosts, { 'a:8000': ['a', 'shop.test', 'old.test'], 'b:8000': ['b'] });
});

test('routes to a service that is left out use their other targets, or say why they cannot', () => {
  const plane = new Plane();
  const to = (...services: string[]): NonNullable<ServicePolicy['routes']> => [
    {
      name: services.join(),
      to: services.map((service) => ({ service, weight: 1 })),
      mirror: [{ service: 'wrong', percent: 5 }],
    },
  ];
  const services = {
    both: { ports: PORTS, routes: to('a', 'wrong') },
    only: { ports: PORTS, routes: to('wrong') },
    a: { ports: PORTS },
    wrong: WRONG,
  };
  assert.equal(plane.publish(services), ['wrong']);
  assert.not(plane.names(CDS).some((name) => name.includes('wrong')));
  const routes = JSON.stringify(shown(plane.views.of(undefined)[RDS].get('outbound|8000')!));
  assert.not.match(routes, /\|wrong"/);
  assert.match(routes, /"name":"both:8000"[^\]]*\],"routes":\[\{[^}]*\},"route":\{"cluster":"outbound\|8000\|\|a"/);
  assert.match(routes, /could not publish wrong; its log says why/);
  assert.equal(plane.publish({ ...services, wrong: { ports: PORTS } }), []);
  assert.match(JSON.stringify(shown(plane.views.of(undefined)[RDS].get('outbound|8000')!)), /\|wrong"/);
});

test('what stands as it was and cannot be made any more either is left out', () => {
  const plane = new Plane();
  assert.equal(plane.publish({ a: { ports: PORTS }, b: { ports: PORTS } }), []);
  // What has been published is spoiled itself: nothing of it is of use.
  const once = {
    ports: PORTS,
    get connectTimeout() {
      if (spoiled) throw new Error('spoiled');
      return 1000;
    },
  } as ServicePolicy;
  let spoiled = false;
  assert.equal(plane.publish({ a: { ports: PORTS }, b: once }), []);
  spoiled = true;
  assert.equal(plane.publish({ a: { ports: [...PORTS, { port: 9000, protocol: 'http' }] }, b: WRONG }), ['b']);
  assert.ok(plane.names(CDS).includes('outbound|9000||a'));
  assert.not(plane.names(CDS).some((name) => name.endsWith('|b')));
});

test('an Envoy that asks for the first time is told of all services that it can be told of', () => {
  const plane = new Plane();
  let asked = 0;
  // Made twice for proxies: what is made for the Envoy is the first that fails.
  const late = {
    ports: PORTS,
    get connectTimeout() {
      if (asked++ > 0) throw new Error('late');
      return 1000;
    },
  } as ServicePolicy;
  assert.equal(plane.publish({ a: { ports: PORTS }, late }), []);
  const names = [...plane.views.ofEnvoy()[CDS].all()].map(({ name }) => name);
  assert.equal(names, ['outbound|8000||a']);
});

test('clusters of a held-back service come before the routes that name them, and go after them', () => {
  const plane = new Plane();
  const route = (subset: string): ServicePolicy => ({
    ports: PORTS,
    subsets: { [subset]: { version: '1' } },
    routes: [{ name: 'main', to: [{ subset, weight: 1 }] }],
  });
  plane.publish({ a: route('v1') });
  const inbox: Response[] = [];
  const stream = new WorldStream(plane.views.of('a'), (response) => inbox.push(response));
  const names = { [CDS]: [], [EDS]: ['outbound|8000||a'], [LDS]: [], [RDS]: ['outbound|8000'] };
  const answer = (): string[] => {
    const seen: string[] = [];
    for (let next = inbox.shift(); next; next = inbox.shift()) {
      const clusters = next.resources.map(({ name }) => name).filter((name) => /v[12]/.test(name));
      if (next.type === CDS) seen.push(clusters.join());
      else if (next.type === RDS) seen.push(/\|v[12]\|/.exec(JSON.stringify(next.resources.map(shown)))![0]);
      stream.request({ type: next.type, nonce: next.nonce, names: names[next.type as typeof CDS] });
    }
    return seen;
  };
  for (const [type, each] of Object.entries(names)) stream.request({ type, nonce: '', names: each });
  answer();
  assert.equal(plane.publish({ a: WRONG }), ['a']);
  stream.update(plane.views.of('a'));
  assert.equal(answer(), []);
  assert.equal(plane.publish({ a: route('v2') }), []);
  stream.update(plane.views.of('a'));
  assert.equal(answer(), ['outbound|8000|v2|a,outbound|8000|v1|a', '|v2|', 'outbound|8000|v2|a']);
});

test.run();
