/** The application that topz shows and probe asks. */
import { createServer } from 'node:http';

createServer((_, response) => response.end('well')).listen(8000, '127.0.0.1');
