/** `npm run identify -- PATH…`: the package's own command, with paths from where npm was called. */
import { main } from '../tools/cli/main.ts';

process.exitCode = await main(['identify', ...process.argv.slice(2)], {
  folder: process.env['INIT_CWD'] ?? process.cwd(),
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
