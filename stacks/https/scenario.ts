/** What the https stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { brokerObligations } from './obligations/broker.ts';
import { certificateObligations } from './obligations/certificates.ts';
import { entryObligations } from './obligations/entry.ts';
import { faultObligations } from './obligations/faults.ts';
import { lifeObligations } from './obligations/life.ts';
import { sharingObligations } from './obligations/sharing.ts';
import { slowClientObligations } from './obligations/slow-clients.ts';

const stack = scenario(import.meta.url);

// Three lanes to begin with: the guest book, the broker next door, and clients that mostly wait.
const guestbook = stack.lane('guestbook');
const broker = stack.lane('broker');
const slowClients = stack.lane('slow clients');

entryObligations(guestbook);
sharingObligations(guestbook);
certificateObligations(guestbook, stack);
brokerObligations(broker);
slowClientObligations(slowClients);
faultObligations(stack);
lifeObligations(stack);

stack.run();
