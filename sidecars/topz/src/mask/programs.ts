/** Programs whose short options take a secret, which no name gives away. */

export interface SecretOptions {
  /** Options whose value, attached or the next argument, is secret. */
  readonly valued?: string;
  /** Options whose value is secret only when attached: `mysql -pSECRET`, while `mysql -p db` asks for it. */
  readonly attached?: string;
  /** Long options, without dashes, whose value is secret and whose name does not say so. */
  readonly long?: readonly string[];
  /** The last argument is a secret when this option is among the others: `htpasswd -b FILE USER SECRET`. */
  readonly lastWith?: string;
}

const MYSQL: SecretOptions = { attached: 'p' };
const MONGO: SecretOptions = { valued: 'p' };
const MOSQUITTO: SecretOptions = { valued: 'P' };
const SNMP: SecretOptions = { valued: 'AXc' };
const REGISTRY: SecretOptions = { valued: 'p' };
const LDAP: SecretOptions = { valued: 'w' };

const PROGRAMS: Readonly<Record<string, SecretOptions>> = {
  mysql: MYSQL,
  mysqldump: MYSQL,
  mysqladmin: MYSQL,
  mysqlimport: MYSQL,
  mysqlcheck: MYSQL,
  mysqlshow: MYSQL,
  mysqlslap: MYSQL,
  mysqlpump: MYSQL,
  mysqlbinlog: MYSQL,
  mariadb: MYSQL,
  'mariadb-dump': MYSQL,
  'mariadb-admin': MYSQL,
  'mariadb-import': MYSQL,
  'mariadb-backup': MYSQL,
  mongo: MONGO,
  mongosh: MONGO,
  mongodump: MONGO,
  mongorestore: MONGO,
  mosquitto_pub: MOSQUITTO,
  mosquitto_sub: MOSQUITTO,
  snmpget: SNMP,
  snmpwalk: SNMP,
  snmpset: SNMP,
  docker: REGISTRY,
  podman: REGISTRY,
  helm: REGISTRY,
  rabbitmqadmin: REGISTRY,
  ldapsearch: LDAP,
  ldapmodify: LDAP,
  ldapadd: LDAP,
  ldappasswd: { valued: 'was' },
  sshpass: { valued: 'p' },
  'redis-cli': { valued: 'a' },
  curl: { valued: 'uUb', long: ['user', 'proxy-user'] },
  http: { valued: 'a' },
  https: { valued: 'a' },
  smbclient: { valued: 'U' },
  lftp: { valued: 'u' },
  sqlcmd: { valued: 'P' },
  ipmitool: { valued: 'P' },
  zip: { valued: 'P' },
  unzip: { valued: 'P' },
  '7z': { attached: 'p' },
  '7za': { attached: 'p' },
  openssl: { valued: 'kK', long: ['passin', 'passout'] },
  htpasswd: { lastWith: 'b' },
};

/**
 * The rules of a program.
 * @param word a word of a command line, with or without its path
 * @returns undefined for a program that has none
 */
export function secretOptionsOf(word: string): SecretOptions | undefined {
  const name = word.slice(word.lastIndexOf('/') + 1);
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
}
