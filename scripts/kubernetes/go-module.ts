/** A Go module that builds Kubernetes from the module proxy. */

/**
 * The go.mod of Kubernetes itself, made into one that a build outside of its repository can use: its staging
 * modules are folders there, and modules with versions of their own on the proxy (1.34.1 has k8s.io/api 0.34.1).
 * @param own the go.mod of k8s.io/kubernetes
 * @param version of Kubernetes, `1.34.1`
 */
export const goModule = (own: string, version: string): string =>
  `${own
    .replace(/^module .*$/m, 'module sidecar-stacks/kubernetes')
    .replace(
      /^(\s*(?:replace )?(k8s\.io\/\S+)) => \.\/staging\/src\/\S+$/gm,
      `$1 => $2 v${version.replace(/^1\./, '0.')}`,
    )
    .trimEnd()}\n\nrequire k8s.io/kubernetes v${version}\n`;
