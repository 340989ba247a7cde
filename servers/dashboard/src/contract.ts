/** What the dashboard takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';

export const contract = defineContract({
  name: 'dashboard',
  version: '2.3.0',
  description: 'Shows a mesh as a graph with live rates, success, latency and mTLS, and moves traffic splits.',
  prefixes: ['DASHBOARD_'],
  adminPort: '9981',
  parameters: {
    DASHBOARD_PORT: { type: 'port', default: '8080', description: 'Port of the page' },
    DASHBOARD_CONTROL_PLANE: {
      type: 'url',
      required: true,
      description: "The control plane's HTTP interface",
    },
    DASHBOARD_OPERATOR_TOKEN: {
      type: 'path',
      required: true,
      description: 'File of the token with which splits are changed; the page asks its reader for the same',
    },
    DASHBOARD_HOSTS: {
      type: 'list',
      pattern: /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/,
      accepts: 'names of hosts, without ports',
      description: 'Names by which the page may be asked for besides addresses and localhost',
    },
    DASHBOARD_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '1s',
      min: 100,
      max: 60_000,
      description: 'Time between two looks at every proxy',
    },
    DASHBOARD_WINDOW: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 1000,
      max: 600_000,
      description: 'Rates, success and latency are those of so long',
    },
    DASHBOARD_METRICS_PORT: { type: 'port', default: '15020', description: "Port of the proxies' metrics" },
    DASHBOARD_PROXY_ADMIN_PORT: {
      type: 'port',
      default: '15000',
      description: "Port of the proxies' last requests",
    },
  },
  ports: { page: { parameter: 'DASHBOARD_PORT', description: 'the page, and what it asks for' } },
  endpoints: {},
  metrics: {
    dashboard_scrapes_total: {
      type: 'counter',
      help: 'Looks at proxies, by what came of them',
      bad: 'failed: a proxy does not answer',
      labels: ['outcome'],
    },
    dashboard_proxies: {
      type: 'gauge',
      help: 'Proxies that the control plane knows',
      bad: 'fewer than proxies that run',
    },
  },
});
