/** What a publication costs: counted in what is made and looked at, so that no machine is too slow for it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_POLICY, MeshStates, type MeshParts, type Split } from '../mesh/mesh.ts';
import type { Policy, ServicePolicy } from '../policy/types.ts';
import type { Replica } from '../registry/registry.ts';
import { Settling } from '../settling.ts';
import type { Response } from './client-stream.ts';
import { Snapshots } from './snapshots.ts';
import type { Failures } from './held.ts';
import { CDS, EDS, LDS, RDS, type TypeUrl } from './resources/types.ts';
import { Views } from './views.ts';
import { WorldStream } from './state-of-the-world.ts';

const SERVICES = 40;
const ROUTE = {
  name: 'main',
  to: [
    { subset: 'v1', weight: 1 },
    { subset: 'v2', weight: 1 },
  ],
};
const service: ServicePolicy = {
  ports: [{ port: 8000, protocol: 'http' }],
  subsets: { v1: { version: '1' }, v2: { version: '2' } },
  routes: [ROUTE],
};
const policy: Policy = {
  ...EMPTY_POLICY,
  services: Object.fromEntries(Array.from({ length: SERVICES }, (_, index) => [`s${index}`, service])),
};
/** What each proxy asks for. */
const NAMES: Readonly<Partial<Record<TypeUrl, readonly string[]>>> = {
  [CDS]: [],
  [EDS]: Object.keys(policy.services).flatMap((each) =>
    ['', 'v1', 'v2'].map((subset) => `outbound|8000|${subset}|${each}`),
  ),
  [LDS]: [],
  [RDS]: ['outbound|8000'],
};
const replica = (of: number, name: string, version = '1'): Replica => ({
  id: `${of} ${name}`,
  service: `s${of}`,
  name,
  address: `10.0.${of}.${name}`,
  labels: { version },
  ports: [],
  phase: 'ready',
  expires: 0,
  probe: 'unknown',
  leaseDigest: '',
});

/** A control plane without sockets: state, views and streams of proxies that take everything. */
class Plane {
  readonly states = new MeshStates();
  readonly views = new Views();
  readonly snapshots = new Snapshots();
  readonly streams: { readonly service: string; readonly stream: WorldStream; readonly inbox: Response[] }[] = [];
  replicas: readonly Replica[] = Array.from({ length: SERVICES }, (_, index) => replica(index, '1'));
  splits: readonly Split[] = [];
  policy = policy;
  held: Failures = new Map();

  constructor(proxiesEach: number) {
    this.publish();
    for (let index = 0; index < SERVICES * proxiesEach; index++) {
      const name = `s${index % SERVICES}`;
      const inbox: Response[] = [];
      const stream = new WorldStream(this.views.of(name), (response) => inbox.push(response), {
        snapshots: this.snapshots,
      });
      this.streams.push({ service: name, stream, inbox });
      for (const [type, names] of Object.entries(NAMES)) stream.request({ type, nonce: '', names });
    }
    this.settle();
  }

  /** Everybody answers until there is nothing to answer. @returns how many resources of each type each stream was sent */
  settle(): Record<string, number>[] {
    return this.streams.map(({ stream, inbox }) => {
      const sent: Record<string, number> = {};
      for (let response = inbox.shift(); response; response = inbox.shift()) {
        const { type, nonce, resources } = response;
        sent[type.slice(type.lastIndexOf('.') + 1)] = resources.length;
        stream.request({ type, nonce, names: NAMES[type]! });
      }
      return sent;
    });
  }

  publish(): void {
    const parts: MeshParts = {
      trustDomain: 'mesh.test',
      namespace: 'shop',
      policy: this.policy,
      splits: this.splits,
      replicas: this.replicas,
      resolved: new Map(),
      probed: new Map(),
    };
    const { state, failures } = this.states.next(parts);
    this.held = this.views.update(state, 'roots', failures).failures;
    for (const { service: name, stream } of this.streams) stream.update(this.views.of(name));
  }

  /** What a change costs, and what it sends. */
  cost(change: () => void): { drafts: number; encoded: number; looked: number; sent: Record<string, number>[] } {
    const before = { ...this.views.work, looked: this.snapshots.looked };
    change();
    this.publish();
    const sent = this.settle();
    const { drafts, encoded } = this.views.work;
    return {
      drafts: drafts - before.drafts,
      encoded: encoded - before.encoded,
      looked: this.snapshots.looked - before.looked,
      sent,
    };
  }
}

const join = (plane: Plane) => plane.cost(() => (plane.replicas = [...plane.replicas, replica(7, '2', '2')]));

test('a replica that joins: what is of its service is made again, and nothing else', () => {
  const { drafts, encoded, sent } = join(new Plane(1));
  // Its own clusters and inbound part, its port, and the names of all.
  assert.is(drafts, 4);
  // Endpoints of the service and of a subset, and the names.
  assert.is(encoded, 3);
  for (const each of sent) assert.equal(Object.keys(each).toSorted(), ['ClusterLoadAssignment', 'Listener']);
  for (const { ClusterLoadAssignment } of sent) assert.is(ClusterLoadAssignment, 2);
});

test('a service that cannot be made costs no other service anything, however long', () => {
  const plane = new Plane(1);
  const poison = { ...replica(3, '2'), labels: null as never };
  const before = plane.cost(() => (plane.replicas = [...plane.replicas, poison]));
  assert.equal([...plane.held.keys()], ['s3']);
  assert.equal(before.encoded, 0);
  // The same as without it: its own clusters and inbound part, its port, and the names of all.
  const { drafts, encoded } = join(plane);
  assert.equal([...plane.held.keys()], ['s3']);
  assert.equal({ drafts, encoded }, { drafts: 4, encoded: 3 });
});

test('twenty times as many streams: no resource is looked at, made or encoded once more', () => {
  const few = join(new Plane(1));
  const many = join(new Plane(20));
  assert.is(many.sent.length, 20 * few.sent.length);
  assert.equal({ ...many, sent: [] }, { ...few, sent: [] });
});

test('a split that moves is one resource for each stream, and for gRPC clients another', () => {
  const plane = new Plane(2);
  const split = { service: 's3', route: 'main', weights: { v1: 9, v2: 1 }, instead: '' };
  const moved = plane.cost(() => (plane.splits = [split]));
  assert.is(moved.encoded, 2);
  for (const each of moved.sent) assert.equal(each, { RouteConfiguration: 1 });
});

test('nothing has changed: nothing is made, looked at or sent', () => {
  const plane = new Plane(3);
  // Leases that are renewed are other objects of the same content.
  const { drafts, encoded, looked, sent } = plane.cost(
    () => (plane.replicas = plane.replicas.map((each) => ({ ...each, expires: each.expires + 1 }))),
  );
  assert.equal({ drafts, encoded, looked }, { drafts: 0, encoded: 0, looked: 0 });
  assert.ok(sent.every((each) => Object.keys(each).length === 0));
});

test('a policy that is read again is encoded again nowhere; its mesh-wide part concerns all', () => {
  const plane = new Plane(1);
  const again = plane.cost(() => (plane.policy = structuredClone(policy)));
  assert.is(again.encoded, 0);
  assert.ok(again.sent.every((each) => Object.keys(each).length === 0));
  const strict = plane.cost(() => (plane.policy = { ...policy, mesh: { ...policy.mesh, mtls: 'STRICT' } }));
  for (const each of strict.sent) assert.ok(each['Listener']! > 0);
});

test('identical streams are sent the same objects, so that each response is encoded once', () => {
  const plane = new Plane(10);
  plane.replicas = [...plane.replicas, replica(7, '2', '2')];
  plane.publish();
  const arrays = new Set(plane.streams.flatMap(({ inbox }) => inbox.map(({ resources }) => resources)));
  // Endpoints, and listeners, which are the same for services of the same policy.
  assert.is(arrays.size, 2);
});

test('the pause before a publication grows with what the last one cost, and not for ever', () => {
  let clock = 0;
  let cost = 0;
  const settling = new Settling({ publish: () => void (clock += cost), now: () => clock });
  const wait = (): number | undefined => {
    const found = settling.changed();
    settling.close();
    return found;
  };
  assert.is(wait(), 20);
  cost = 100;
  settling.flush();
  assert.is(wait(), 300);
  clock += 250;
  assert.is(wait(), 50);
  clock += 50;
  assert.is(wait(), 20);
  cost = 10_000;
  settling.flush();
  assert.is(wait(), 1000);
});

test.run();
