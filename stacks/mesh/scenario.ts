/** What the mesh stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { authorizationObligations, shopAuthorizationObligations } from './obligations/authorization.ts';
import { clockObligations } from './obligations/clock.ts';
import { conditionObligations, egressObligations } from './obligations/conditions.ts';
import { controlPlaneObligations } from './obligations/control-plane.ts';
import { envoyObligations, mixedObligations } from './obligations/envoy.ts';
import { identityObligations, renewalObligations } from './obligations/identity.ts';
import { jobObligations } from './obligations/job.ts';
import { orderObligations, secondUpObligations } from './obligations/life.ts';
import { nameObligations } from './obligations/names.ts';
import { networkObligations } from './obligations/networks.ts';
import { opaqueObligations } from './obligations/opaque.ts';
import { pageObligations } from './obligations/page.ts';
import { podObligations } from './obligations/pods.ts';
import { reachabilityObligations } from './obligations/reachability.ts';
import { replicaObligations, untouchedObligations } from './obligations/replicas.ts';
import { shopObligations } from './obligations/shop.ts';
import { tapObligations } from './obligations/tap.ts';
import { telemetryObligations, traceObligations } from './obligations/telemetry.ts';
import { rateObligations, splitObligations, trafficObligations } from './obligations/traffic.ts';
import { unawareObligations } from './obligations/unaware.ts';
import { bypassObligations, wireObligations } from './obligations/wire.ts';
import { xdsObligations } from './obligations/xds.ts';
import { closeSessions } from './lib/sessions.ts';

const stack = scenario(import.meta.url);

shopObligations(stack);
orderObligations(stack);

// Beside each other, each with services of its own: the shop as people use it, echo, on which every policy is tried,
// certificates that grow old, and pods that are brought up beside all this.
const shop = stack.lane('shop');
shopAuthorizationObligations(shop);
splitObligations(shop);
nameObligations(shop);
traceObligations(shop);
tapObligations(shop);
pageObligations(shop);
envoyObligations(shop);

const echo = stack.lane('echo');
wireObligations(echo);
reachabilityObligations(echo);
identityObligations(echo);
authorizationObligations(echo);
trafficObligations(echo);
conditionObligations(echo);
telemetryObligations(echo);
xdsObligations(echo);
replicaObligations(echo);
podObligations(echo);
opaqueObligations(echo);
mixedObligations(echo);

renewalObligations(stack.lane('certificates'));

const pods = stack.lane('pods');
unawareObligations(pods);
jobObligations(pods);
networkObligations(pods);
clockObligations(stack.lane('clock'));

// These stop what all others need, or look at all of it.
rateObligations(stack);
egressObligations(stack);
bypassObligations(stack);
controlPlaneObligations(stack);
untouchedObligations(stack);
secondUpObligations(stack);

stack.finally(closeSessions);

stack.run();
