/** The examples by which Kubernetes' documents teach the pattern, as a compose project and as the pod that it is. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { exported, type Manifest } from './test-project.ts';
import { mistakesIn } from './test-schema.ts';

const test = suite('export: examples of Kubernetes');

/** What an example says stands in the pod: maps may have more, lists are as long. */
function includes(found: unknown, wanted: unknown, where = ''): void {
  if (Array.isArray(wanted)) {
    assert.ok(Array.isArray(found) && found.length === wanted.length, `${where}: ${JSON.stringify(found)}`);
    wanted.forEach((each, index) => includes((found as unknown[])[index], each, `${where}[${index}]`));
  } else if (typeof wanted === 'object' && wanted !== null) {
    for (const [key, each] of Object.entries(wanted)) includes((found as Manifest)?.[key], each, `${where}.${key}`);
  } else assert.is(found, wanted, where);
}

interface Example {
  readonly compose: string;
  readonly files?: Readonly<Record<string, string>>;
  /** A manifest, as a teacher would write it. */
  readonly kubernetes: string;
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'two containers that share an emptyDir': {
    compose: `
name: shared-volume
services:
  pod: { image: registry.k8s.io/pause:3.10 }
  writer:
    image: debian:13
    command: [/bin/sh, -c, "echo Hello from the writer > /pod-data/index.html; sleep infinity"]
    network_mode: service:pod
    volumes: ["shared-data:/pod-data"]
    depends_on: [pod]
  web:
    image: nginx:1.29
    network_mode: service:pod
    restart: always
    volumes: ["shared-data:/usr/share/nginx/html:ro"]
    depends_on: [pod]
volumes:
  shared-data: { driver_opts: { type: tmpfs, device: tmpfs, o: size=8m } }
`,
    kubernetes: `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  volumes:
    - { name: shared-data, emptyDir: { sizeLimit: 8Mi } }
  initContainers:
    - name: writer
      image: debian:13
      restartPolicy: Always
      args: [/bin/sh, -c, "echo Hello from the writer > /pod-data/index.html; sleep infinity"]
      volumeMounts: [{ name: shared-data, mountPath: /pod-data }]
  containers:
    - name: web
      image: nginx:1.29
      volumeMounts: [{ name: shared-data, mountPath: /usr/share/nginx/html, readOnly: true }]
`,
  },
  'a ConfigMap that is mounted': {
    compose: `
name: configured
services:
  web:
    image: nginx:1.29
    restart: always
    configs: [{ source: special, target: /etc/config/special.level }]
    volumes: ["./conf.d:/etc/nginx/conf.d:ro"]
configs:
  special: { content: very }
`,
    files: { 'conf.d/default.conf': 'server { listen 8080; }\n' },
    kubernetes: `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
    - name: web
      image: nginx:1.29
      volumeMounts:
        - { name: config-conf-d, mountPath: /etc/nginx/conf.d, readOnly: true }
        - { name: config-special, mountPath: /etc/config/special.level, subPath: special.level, readOnly: true }
  volumes:
    - { name: config-conf-d, configMap: { name: conf-d } }
    - { name: config-special, configMap: { name: special } }
`,
  },
  'a native sidecar that tails a log': {
    compose: `
name: log-tailer
services:
  pod: { image: registry.k8s.io/pause:3.10 }
  logshipper:
    image: alpine:3.22
    command: [sh, -c, tail -F /opt/logs.txt]
    network_mode: service:pod
    restart: always
    volumes: ["logs:/opt"]
    depends_on: [pod]
  myapp:
    image: alpine:3.22
    command: [sh, -c, "while true; do echo logging >> /opt/logs.txt; sleep 1; done"]
    network_mode: service:pod
    restart: always
    volumes: ["logs:/opt"]
    depends_on: { logshipper: { condition: service_started } }
volumes: { logs: { driver_opts: { type: tmpfs } } }
`,
    kubernetes: `
apiVersion: v1
kind: Pod
metadata: { name: myapp }
spec:
  initContainers:
    - name: logshipper
      image: alpine:3.22
      restartPolicy: Always
      args: [sh, -c, tail -F /opt/logs.txt]
      volumeMounts: [{ name: logs, mountPath: /opt }]
  containers:
    - name: myapp
      image: alpine:3.22
      volumeMounts: [{ name: logs, mountPath: /opt }]
  volumes: [{ name: logs, emptyDir: {} }]
`,
  },
  'a shared process namespace': {
    compose: `
name: shared-processes
services:
  nginx: { image: "nginx:1.29", restart: always }
  shell:
    image: busybox:1.37
    command: sleep 3600
    network_mode: service:nginx
    pid: service:nginx
    restart: always
    cap_add: [SYS_PTRACE]
    stdin_open: true
    tty: true
`,
    kubernetes: `
apiVersion: v1
kind: Pod
metadata: { name: nginx }
spec:
  shareProcessNamespace: true
  initContainers:
    - name: shell
      image: busybox:1.37
      restartPolicy: Always
      args: [sleep, "3600"]
      securityContext: { capabilities: { add: [SYS_PTRACE] } }
      stdin: true
      tty: true
  containers:
    - { name: nginx, image: "nginx:1.29" }
`,
  },
};

for (const [name, { compose, files = {}, kubernetes }] of Object.entries(EXAMPLES))
  test(name, () => {
    const wanted = parse(kubernetes) as Manifest;
    assert.equal(mistakesIn(wanted), [], 'the example is itself what a cluster takes');
    const { objects, refused } = exported({ 'compose.yaml': compose, ...files }, { bare: true });
    assert.equal(refused, []);
    includes(objects.get(`Pod ${wanted['metadata'].name}`), wanted);
    for (const object of objects.values()) assert.equal(mistakesIn(object), []);
  });

test('mounted files are part of the export', () => {
  const { compose, files } = EXAMPLES['a ConfigMap that is mounted']!;
  const { objects } = exported({ 'compose.yaml': compose, ...files });
  assert.equal(objects.get('ConfigMap special')?.['data'], { 'special.level': 'very' });
  assert.equal(objects.get('ConfigMap conf-d')?.['data'], { 'default.conf': 'server { listen 8080; }\n' });
});

test.run();
