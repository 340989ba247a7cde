/** What the mesh stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { authorizationObligations } from './obligations/authorization.ts';
import { controlPlaneObligations } from './obligations/control-plane.ts';
import { identityObligations, renewalObligations } from './obligations/identity.ts';
import { lifeObligations } from './obligations/life.ts';
import { reachabilityObligations } from './obligations/reachability.ts';
import { replicaObligations } from './obligations/replicas.ts';
import { shopObligations } from './obligations/shop.ts';
import { telemetryObligations } from './obligations/telemetry.ts';
import { trafficObligations } from './obligations/traffic.ts';
import { unawareObligations } from './obligations/unaware.ts';
import { bypassObligations, wireObligations } from './obligations/wire.ts';
import { xdsObligations } from './obligations/xds.ts';

const stack = scenario(import.meta.url);

shopObligations(stack);

// Beside each other: what leaves the mesh alone, certificates that grow old, and everything that changes the policy.
unawareObligations(stack.lane('apps'));
renewalObligations(stack.lane('certificates'));
const policy = stack.lane('policy');
wireObligations(policy);
reachabilityObligations(policy);
identityObligations(policy);
authorizationObligations(policy);
trafficObligations(policy);
telemetryObligations(policy);
xdsObligations(policy);

// These stop containers, or look at all of them.
bypassObligations(stack);
replicaObligations(stack);
controlPlaneObligations(stack);
lifeObligations(stack);

stack.run();
