/** The page's program: all processes, or the one that the address names. */
import { detail } from './detail.ts';
import { overview } from './overview.ts';

const root = document.getElementById('topz')!;
const pid = new URLSearchParams(location.search).get('pid');
if (pid === null) overview(root);
else detail(root, pid);
