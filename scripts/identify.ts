/** `npm run identify -- PATH…`: the package's own command, with paths from where npm was called. */
import { main } from '../tools/main.ts';
import { ofThisProcess } from '../tools/command/command.ts';

process.exitCode = await main(['identify', ...process.argv.slice(2)], ofThisProcess());
