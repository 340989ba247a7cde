// Stands for the application. It knows nothing of its sidecar.
import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end('hello from @NAME@\n'));
server.listen(8080);
process.on('SIGTERM', () => server.close());
