/** Attacks on a pod of the mesh, and on the control plane, by a neighbour on the network. */
import { Agent, request } from 'node:http';
import { answerOf } from '../client.ts';
import type { AttackSuite } from '../suite.ts';
import { enrol, SHOP } from './client.ts';
import { beginnings, controlPlanePorts, enrolments, longHeads, slowReaders, streams } from './floods.ts';
import { certificates, destinations, disguises, paths, questions } from './intruders.ts';
import { OPEN, MEMBERS } from './judge.ts';
import { splits } from './operators.ts';
import { GOOD_PATH, identityOf, type Told } from './shop.ts';

const agent = new Agent({ keepAlive: true });
/** Of good requests, one also renews the certificate. */
const RENEWS = 50;
let turn = 0;

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  besides: ['control-plane', 'front-proxy'],
  admin: 'http://shop:15000',
  gauges: ['mesh_requests_in_flight', 'mesh_connections_open'],
  never: ['mesh_internal_errors_total'],
  attacks: {
    'HTTP that does not look like it': disguises,
    'certificates of others': certificates,
    'ways to write a path': paths,
    'original destinations of others': destinations,
    "questions for the pod's resolver": questions,
    'connections that do not go on': beginnings,
    'clients that do not read': slowReaders,
    'long heads': longHeads,
    "splits without the operator's token": splits,
    'enrolments without end': enrolments,
    'streams of configuration that stay': streams,
    "connections to the control plane's ports": controlPlanePorts,
  },
  async good(signal) {
    const path = `${GOOD_PATH}${++turn}`;
    const port = turn % 2 === 0 ? OPEN : MEMBERS;
    const { status, body } = await answerOf(request({ host: SHOP, port, path, agent, signal }));
    const { target, caller } = (status === 200 ? JSON.parse(body) : {}) as Partial<Told>;
    if (target !== path || !caller?.includes(`URI=${identityOf('front')}`))
      throw new Error(`answered ${status} ${body.slice(0, 200)}`);
    if (turn % RENEWS === 1) await enrol('front');
  },
};
