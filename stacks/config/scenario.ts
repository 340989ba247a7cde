/** What the config stack must do, seen from outside and from inside its containers. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { access } from './checks/access.ts';
import { changes } from './checks/changes.ts';
import { refusals } from './checks/refusals.ts';

const { must, run } = scenario(import.meta.url);

changes(must);
refusals(must);
access(must);
run();
