/** `npm run identify -- PATH…`: the package's own command, with paths from where npm was called. */
import { main } from '../tools/cli/main.ts';
import { ofThisProcess } from '../tools/cli/usage.ts';

process.exitCode = await main(['identify', ...process.argv.slice(2)], ofThisProcess());
