/** Ways in from outside of the cluster: an Ingress, or routes of the Gateway API, for each published port. */
import { noted } from '../yaml/commented.ts';
import { publishedPorts, type Component, type PublishedPort, type Scope } from './component-scope.ts';

const nameOf = ({ service, port }: PublishedPort): string => `${service}-${port}`;
const labels = (partOf: string): Record<string, string> => ({ 'app.kubernetes.io/part-of': partOf });

/** Source: kubernetes.io/docs/concepts/services-networking/ingress */
export function ingress(scope: Scope): Component {
  return {
    objects: publishedPorts(scope).map((each) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: nameOf(each),
        labels: labels(scope.partOf),
        ...(each.tls && {
          annotations: {
            'nginx.ingress.kubernetes.io/backend-protocol': noted(
              'HTTPS',
              'the pod speaks TLS itself; other controllers have a word of their own for it',
            ),
          },
        }),
      },
      spec: {
        rules: [
          {
            host: each.host,
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: each.service, port: { number: each.port } } },
                },
              ],
            },
          },
        ],
      },
    })),
    head: 'An Ingress for each published port: give it your host name, and your ingressClassName where the cluster has\nno default. A port that does not speak HTTP wants a Service of type LoadBalancer in the overlay instead.',
  };
}

/** Source: gateway-api.sigs.k8s.io/api-types/httproute and /tlsroute */
export function gateway(scope: Scope): Component {
  return {
    objects: publishedPorts(scope).map((each) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: each.tls ? 'TLSRoute' : 'HTTPRoute',
      metadata: { name: nameOf(each), labels: labels(scope.partOf) },
      spec: {
        parentRefs: [{ name: noted('gateway', "the name of the cluster's Gateway") }],
        hostnames: [each.host],
        rules: [{ backendRefs: [{ name: each.service, port: each.port }] }],
      },
    })),
    head: 'A route for each published port (Gateway API 1.5): give it your host name and the name of your Gateway. A port\nof the tls sidecar is passed through as TLS, so that the pod keeps its key: TLSRoute, with a listener of mode Passthrough.',
  };
}
