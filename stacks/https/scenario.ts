/** What the https stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { brokerObligations } from './obligations/broker.ts';
import { certificateObligations } from './obligations/certificates.ts';
import { entryObligations } from './obligations/entry.ts';
import { faultObligations } from './obligations/faults.ts';
import { lifeObligations } from './obligations/life.ts';
import { sharingObligations } from './obligations/sharing.ts';

const stack = scenario(import.meta.url);

entryObligations(stack);
brokerObligations(stack);
certificateObligations(stack);
faultObligations(stack);
sharingObligations(stack);
lifeObligations(stack);

stack.run();
