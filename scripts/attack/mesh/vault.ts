/** A server on a network that the shop's pod is on, and its neighbours are not. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { SECRET } from './shop.ts';

const own = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4')!;
createServer((_request, response) => void response.end(SECRET)).listen(9002, () =>
  writeFileSync('/addresses/vault', own.address),
);
