/** A worker: the whole data plane, with certificates of its own and the first process' ticket keys. */
import type { WorkerKit } from '#kit/life/workers.ts';
import { createClientPolicy } from './certificates/client-identity.ts';
import { openCertificateStore } from './certificates/store.ts';
import type { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';

/** What the first process tells a worker. */
export type ToWorker =
  | { readonly tell: 'ticket-keys'; /** Base64. */ readonly keys: string }
  | { readonly tell: 'reload' };

/** What a worker tells the first process: whether its application is up. */
export interface FromWorker {
  /** Why it is not. */
  readonly down?: string;
}

export async function startWorker({
  parameters,
  log,
  metrics,
  say,
  greeting,
  onMessage,
}: WorkerKit<typeof contract.parameters, typeof contract.metrics, ToWorker, FromWorker>): Promise<DataPlane> {
  const policy = createClientPolicy(parameters);
  const store = await openCertificateStore({ parameters, log, metrics, policy });
  const keys = greeting.find((message) => message.tell === 'ticket-keys');
  const plane = await startDataPlane({
    parameters,
    log,
    metrics,
    appCheck: { pass: () => say({}), fail: (down) => say({ down }) },
    store,
    policy,
    shared: true,
    ...(keys && { ticketKeys: Buffer.from(keys.keys, 'base64') }),
  });
  onMessage((message) => {
    if (message.tell === 'reload') store.reload();
    else plane.setTicketKeys(Buffer.from(message.keys, 'base64'));
  });
  return plane;
}
