/** Handlers of documents and their history. */
import { alreadyHas, baseOf, etagOf } from '../store/conditions.ts';
import type { Side } from '../difference.ts';
import type { Differences } from '../differences.ts';
import { Refusal } from '../access/refusal.ts';
import { reporterOf } from '../access/reporter.ts';
import type { Store } from '../store/store.ts';
import type { ChangeRequest, Report, Version } from '../store/types.ts';
import { nextChange } from '../watch/next-change.ts';
import type { Hub } from '../watch/hub.ts';
import { durationOf } from './duration.ts';
import type { Call, Handler } from './server.ts';

/** Longest a long poll waits, in milliseconds. */
const LONGEST_WAIT = 120_000;
const DEFAULT_TYPE = 'application/octet-stream';

/** @param hub tells of changes to those who wait for one */
export function documentHandlers(store: Store, hub: Hub, differences: Differences): Record<string, Handler> {
  const { documents } = store;

  return {
    listDocuments: () => ({ revision: store.revision, documents: documents.list() }),

    readDocument: async ({ request, reply, params, query, caller }) => {
      const key = keyOf(params);
      const has = request.headers['if-none-match'];
      const wait = durationOf(query['wait'] as string | undefined, { name: 'wait', min: 0, max: LONGEST_WAIT });
      if (wait !== undefined && alreadyHas(has, existing(key).version))
        await nextChange(hub, key, { owner: caller.name, wait, response: reply.raw });
      const latest = existing(key);
      describe(reply, latest);
      if (alreadyHas(has, latest.version)) return reply.code(304).send();
      return reply.send(documents.read(key, latest.version).content);
    },

    putDocument: async ({ request, reply, params, caller }) => {
      const key = keyOf(params);
      const base = baseOf(request.headers['if-match'], request.headers['if-none-match']);
      const content = Buffer.isBuffer(request.body) ? request.body : Buffer.of();
      const contentType = request.headers['content-type'] ?? DEFAULT_TYPE;
      const made = await store.put(changeBy(request, caller.name, key), base, { content, contentType });
      return reply
        .code(base === 'none' ? 201 : 200)
        .header('etag', etagOf(made.version))
        .send(made);
    },

    deleteDocument: async ({ request, reply, params, caller }) => {
      const base = baseOf(request.headers['if-match'], undefined);
      const made = await store.delete(changeBy(request, caller.name, keyOf(params)), base);
      return reply.header('etag', etagOf(made.version)).send(made);
    },

    rollbackDocument: async ({ request, reply, params, caller }) => {
      const base = baseOf(request.headers['if-match'], undefined);
      const { version } = request.body as { version: number };
      const made = await store.rollback(changeBy(request, caller.name, keyOf(params)), base, version);
      return reply.header('etag', etagOf(made.version)).send(made);
    },

    listVersions: ({ params, query }) => {
      const key = keyOf(params);
      const versions = documents.versions(key, query['limit'] as number);
      if (versions.length === 0) throw new Refusal('not-found', `there never was a document ${key}`);
      return { key, versions: versions.map((each) => ({ ...each, reports: documents.reports(key, each.version) })) };
    },

    readVersion: ({ reply, params }) => {
      const { version, content } = documents.read(keyOf(params), versionOf(params));
      describe(reply, version);
      return reply.send(content);
    },

    diffVersions: async ({ reply, params, query }) => {
      const key = keyOf(params);
      const side = (version: number): Side => ({
        name: `${key} version ${version}`,
        content: documents.read(key, version).content,
      });
      const text = await differences.between(side(query['from'] as number), side(query['to'] as number));
      return reply.type('text/plain; charset=utf-8').send(text);
    },

    listReports: ({ params }) => {
      const [key, version] = [keyOf(params), versionOf(params)];
      return { key, version, reports: documents.reports(key, version) };
    },

    addReport: async ({ request, reply, params, caller }) => {
      const { sidecar, state, reason } = request.body as Omit<Report, 'at' | 'sidecar'> & { sidecar?: string };
      const report = { sidecar: reporterOf(caller, sidecar), state, ...(reason !== undefined && { reason }) };
      return reply.code(201).send(await store.report(keyOf(params), versionOf(params), caller.name, report));
    },

    listAudit: ({ query }) => ({
      lines: documents.audit({ key: query['key'] as string | undefined, limit: query['limit'] as number }),
    }),
  };

  function existing(key: string): Version {
    const latest = documents.latest(key);
    if (!latest || latest.deleted) throw new Refusal('not-found', `there is no document ${key}`);
    return latest;
  }
}

const keyOf = (params: Call['params']): string => String(params['key']);
const versionOf = (params: Call['params']): number => Number(params['version']);

const changeBy = (request: Call['request'], author: string, key: string): ChangeRequest => ({
  key,
  author,
  address: request.ip,
});

function describe(reply: Call['reply'], { version, revision, digest, contentType }: Version): void {
  reply.headers({
    etag: etagOf(version),
    'content-type': contentType,
    'x-config-version': version,
    'x-config-revision': revision,
    'x-config-digest': digest,
  });
}
