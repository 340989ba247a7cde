/** An ambassador in this process before servers in this process: for tests. */
import { createLog } from '#kit/telemetry/log.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import { ShardPlane, type ShardPlaneOptions } from '../shard/serve.ts';
import type { ShardMember } from '../ring/members.ts';
import { Ring } from '../ring/ring.ts';
import { FakeValkey } from './valkey.ts';

const RING = { hash: 'md5', distribution: 'ketama', hashTag: '{}' } as const;

export interface Seen {
  commands: number;
  fragments: number;
  forwardErrors: number;
  clients: number;
  refused: number;
  moved: number;
  readonly ejected: string[];
  /** Whether each server can be used, by its name. */
  readonly up: Record<string, boolean>;
}

export class TestPlane {
  readonly plane: ShardPlane;
  readonly servers: readonly FakeValkey[];
  readonly seen: Seen = {
    commands: 0,
    fragments: 0,
    forwardErrors: 0,
    clients: 0,
    refused: 0,
    moved: 0,
    ejected: [],
    up: {},
  };
  readonly #clients: RespClient[] = [];
  readonly #ring: Ring;

  /** Of the servers, in their order. */
  readonly members: readonly ShardMember[];

  private constructor(servers: readonly FakeValkey[], options: Partial<ShardPlaneOptions>) {
    this.servers = servers;
    const members = servers.map(({ port }, index) => ({
      host: '127.0.0.1',
      port,
      weight: 1,
      name: String.fromCodePoint(97 + index),
    }));
    this.members = members;
    this.#ring = new Ring(members, RING);
    const { seen } = this;
    this.plane = new ShardPlane({
      address: '127.0.0.1',
      port: 0,
      members,
      ring: RING,
      login: { user: undefined, password: undefined, ca: undefined },
      // What has to succeed is not timed by a busy machine.
      timeout: 60_000,
      slowTimeout: 60_000,
      connections: 1,
      failureLimit: 2,
      eject: undefined,
      relayAdmin: false,
      limits: { maxSize: 1024 * 1024, maxArguments: 10_000, maxOutput: 1024 * 1024 },
      maxClients: 100,
      version: '0.0.0',
      log: createLog('test', 'silent'),
      stats: {
        onCommand: () => void seen.commands++,
        onFragments: (count) => void (seen.fragments += count),
        onForwardError: () => void seen.forwardErrors++,
        onRefused: () => void seen.refused++,
        onClients: (count) => void (seen.clients = count),
        onServerRequest: () => {},
        onServerAnswer: () => {},
        onServerUp: (server, up) => void (seen.up[server] = up),
        onServerRemoved: (server) => void delete seen.up[server],
        onKeyMoved: () => void seen.moved++,
        onEject: (server) => void seen.ejected.push(server),
      },
      ...options,
    });
  }

  /** Begin with this number of servers. */
  static async start(count: number, options: Partial<ShardPlaneOptions> = {}): Promise<TestPlane> {
    const servers = await Promise.all(Array.from({ length: count }, () => new FakeValkey().start()));
    const plane = new TestPlane(servers, options);
    await plane.plane.open();
    return plane;
  }

  /** A client of the ambassador. */
  async client(): Promise<RespClient> {
    const client = await RespClient.to(this.plane.port);
    this.#clients.push(client);
    return client;
  }

  /** The server, by its place, that a key belongs to. */
  ownerOf(key: string): number {
    const bytes = Buffer.from(key, 'latin1');
    return this.#ring.owner(bytes, 0, bytes.length);
  }

  /** A key of each server; further ones for a further number. */
  keyOf(server: number, number = 0): string {
    let left = number;
    for (let index = 0; ; index++) if (this.ownerOf(`key-${index}`) === server && left-- === 0) return `key-${index}`;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.plane.drain(0);
    for (const server of this.servers) await server.kill().catch(() => {});
  }
}
