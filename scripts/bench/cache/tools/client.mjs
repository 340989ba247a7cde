// Many clients at once for one path, each on a connection that is open already: how long each waited, in ms.
// client.mjs PORT CLIENTS PATH: prints a line with the times, in order. client.mjs PORT CLIENTS PATH COUNT asks for
// COUNT different paths instead, CLIENTS at a time.
import { Agent, request } from 'node:http';

const [port, clients, path, count] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(clients) });

const ask = (to) =>
  new Promise((resolve, reject) => {
    const begun = performance.now();
    request({ host: '127.0.0.1', port, path: to, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(performance.now() - begun));
      response.on('error', reject);
      if (response.statusCode !== 200) reject(new Error(`${to}: ${response.statusCode}`));
    })
      .on('error', reject)
      .end();
  });

if (count === undefined) {
  // The connections first.
  await Promise.all(
    Array.from({ length: Number(clients) }, (_, index) => ask(`/10/20/no-store/open-${process.pid}-${index}`)),
  );
  const times = await Promise.all(Array.from({ length: Number(clients) }, () => ask(path)));
  console.log(times.toSorted((one, other) => one - other).join(' '));
} else {
  let next = 0;
  const work = async () => {
    while (next < Number(count)) await ask(`${path}${next++}`);
  };
  await Promise.all(Array.from({ length: Number(clients) }, work));
}
process.exit();
