// The application: each path is a size and a delay, /SIZE/MILLISECONDS/CONTROL/anything.
import { createServer } from 'node:http';

const bodies = new Map();
const bodyOf = (size) => bodies.get(size) ?? bodies.set(size, Buffer.alloc(size, 'x')).get(size);

createServer((request, response) => {
  const [, size, delay, control] = request.url.split('/');
  const answer = () => {
    response.setHeader('Cache-Control', control);
    response.setHeader('Content-Type', 'text/plain');
    response.end(bodyOf(Number(size)));
  };
  if (Number(delay) > 0) setTimeout(answer, Number(delay));
  else answer();
}).listen(8080, '127.0.0.1', 4096);
