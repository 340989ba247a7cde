import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { goModule } from './go-module.ts';

test('staging folders become modules of the same minor and patch version', () => {
  assert.is(
    goModule(
      `module k8s.io/kubernetes

go 1.24.0

require (
	k8s.io/api v0.0.0
	k8s.io/utils v0.1.0
)

replace k8s.io/one => ./staging/src/k8s.io/one

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/sample-cli-plugin => ./staging/src/k8s.io/sample-cli-plugin
)
`,
      '1.34.1',
    ),
    `module sidecar-stacks/kubernetes

go 1.24.0

require (
	k8s.io/api v0.0.0
	k8s.io/utils v0.1.0
)

replace k8s.io/one => k8s.io/one v0.34.1

replace (
	k8s.io/api => k8s.io/api v0.34.1
	k8s.io/sample-cli-plugin => k8s.io/sample-cli-plugin v0.34.1
)

require k8s.io/kubernetes v1.34.1
`,
  );
});

test.run();
