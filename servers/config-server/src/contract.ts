/** What the config server takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';

const HOUR = 3_600_000;
const MIB = 1024 * 1024;

export const contract = defineContract({
  name: 'config-server',
  version: '2.4.1',
  description: 'Versioned documents with history, rollback and watch, for config-sync and plain HTTP clients.',
  prefixes: ['CONFIG_SERVER_'],
  adminPort: '9971',
  parameters: {
    CONFIG_SERVER_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on',
    },
    CONFIG_SERVER_PORT: { type: 'port', default: '8080', description: 'Port of the interface and the page' },
    CONFIG_SERVER_DATA: {
      type: 'path',
      default: '/var/lib/config-server',
      description: 'Directory of the database; a volume',
    },
    CONFIG_SERVER_TOKENS: {
      type: 'path',
      required: true,
      description: 'File of bearer tokens, a line each: NAME SCOPE[,SCOPE] TOKEN; scopes are read, write, report',
    },
    CONFIG_SERVER_HOSTS: {
      type: 'list',
      pattern: /^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/,
      accepts: 'a comma-separated list of host names; *.NAME stands for all below it',
      description:
        'Names under which the page is served besides addresses, localhost and names without a dot; no other page can read it by a name of its own (DNS rebinding)',
    },
    CONFIG_SERVER_MAX_BODY: {
      type: 'size',
      unit: 'bytes',
      default: '1MiB',
      min: 1,
      max: 16 * MIB,
      description: 'Largest document',
    },
    CONFIG_SERVER_HISTORY: {
      type: 'integer',
      default: '1000',
      min: 2,
      max: 1_000_000,
      description: 'Versions of a document whose content is kept; who changed what is kept for ever',
    },
    CONFIG_SERVER_MAX_SIZE: {
      type: 'size',
      unit: 'bytes',
      default: '1GiB',
      min: MIB,
      description: 'Largest size of the database; beyond it changes get 503',
    },
    CONFIG_SERVER_HEARTBEAT: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 1000,
      max: HOUR,
      description: 'Time between two heartbeats of a watch that asks for no other',
    },
    CONFIG_SERVER_MAX_WATCHERS: {
      type: 'integer',
      default: '1000',
      min: 1,
      max: 100_000,
      description:
        'Most watches and long polls open at a time; the token that has most of them gives one up to another, further ones get 503',
    },
  },
  ports: { http: { parameter: 'CONFIG_SERVER_PORT', description: 'the interface and the page' } },
  paths: {
    CONFIG_SERVER_DATA: 'the database',
    CONFIG_SERVER_TOKENS: 'read once, at start',
  },
  metrics: {
    config_server_changes_total: {
      type: 'counter',
      help: 'Changes on disk',
      bad: 'nothing by itself',
      labels: ['action'],
    },
    config_server_commits_total: {
      type: 'counter',
      help: 'Transactions; each holds what came together',
      bad: 'nothing by itself',
    },
    config_server_refusals_total: {
      type: 'counter',
      help: 'Requests that were refused',
      bad: 'a sudden rise: a client without rights, or documents that are wrong',
      labels: ['reason'],
    },
    config_server_reports_total: {
      type: 'counter',
      help: "Sidecars' reports",
      bad: 'rejected or rolled-back',
      labels: ['state'],
    },
    config_server_state_damaged_total: {
      type: 'counter',
      help: 'Databases that could not be used at a start and were set aside',
      bad: 'any: history was lost',
      labels: ['kind'],
      known: { kind: ['database'] },
    },
    config_server_watchers: {
      type: 'gauge',
      help: 'Watches and long polls open now',
      bad: 'fewer than sidecars that watch',
    },
  },
});
