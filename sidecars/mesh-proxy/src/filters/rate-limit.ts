/** Filters: 429 for what comes faster than a route, or a port of the application, allows. */
import type { Filter } from '#proxy/filters/filter.ts';
import { refuse } from './refuse.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

export const routeRateLimit: Filter = {
  onRequest(exchange) {
    const record = requestStateOf(exchange);
    const { route } = record;
    if (route?.bucket === undefined || route.bucket.take()) return;
    return refuse(record, 429, 'RL', `The rate limit of the route ${route.name} is reached.`);
  },
};

export const portRateLimit: Filter = {
  onRequest(exchange) {
    const record = requestStateOf(exchange);
    const { bucket, model } = record.connection.port ?? {};
    if (bucket === undefined || bucket.take()) return;
    return refuse(record, 429, 'RL', `The rate limit of port ${model!.port} is reached.`);
  },
};
