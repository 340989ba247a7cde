// Looks at every page below the working directory: does what it links to within the site exist?
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ATTRIBUTE = /\s(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

/** Where a link leads within the site; undefined for one that leads out of it. */
function target(link, page) {
  const [path] = link.split(/[?#]/, 1);
  if (path === '' || /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(path)) return undefined;
  const decoded = decodeURIComponent(path);
  return normalize(path.startsWith('/') ? `.${decoded}` : join(dirname(page), decoded));
}

const isServed = (path) =>
  existsSync(path) && (!statSync(path).isDirectory() || existsSync(join(path, 'index.html'))) && !path.startsWith('..');

const dead = globSync('**/*.html').flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(ATTRIBUTE)]
    .map(([, double, single, bare]) => (double ?? single ?? bare).replaceAll('&amp;', '&'))
    .filter((link) => {
      try {
        const path = target(link, page);
        return path !== undefined && !isServed(path);
      } catch {
        return true;
      }
    })
    .map((link) => `${page} links to ${link}, which is not there`),
);
for (const line of dead.slice(0, 20)) console.log(line);
process.exitCode = dead.length > 0 ? 1 : 0;
