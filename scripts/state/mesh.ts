/** What the mesh's programs need of each other. */
import { freePorts } from '#kit/testing/ports.ts';
import { JOIN_TOKEN } from '../../servers/control-plane/src/testing/plane.ts';

export const POLICY = {
  services: {
    shop: {
      ports: [{ port: 8000, protocol: 'http' }],
      subsets: { v1: { version: '1' }, v2: { version: '2' } },
      routes: [
        {
          name: 'main',
          to: [
            { subset: 'v1', weight: 80 },
            { subset: 'v2', weight: 20 },
          ],
        },
      ],
    },
  },
};

/** What a proxy needs of a control plane, besides where it is. */
export const proxyEnv = async (state: string): Promise<Record<string, string>> => {
  const [outbound, inbound, metrics, health] = await freePorts(4);
  return {
    MESH_CONTROL_PLANE: 'localhost',
    MESH_SERVICE: 'shop',
    MESH_REPLICA: 'shop-1',
    MESH_JOIN_TOKEN: JOIN_TOKEN,
    MESH_STATE_DIR: state,
    MESH_LISTEN_ADDRESS: '127.0.0.1',
    MESH_OUTBOUND_PORT: String(outbound),
    MESH_INBOUND_PORT: String(inbound),
    MESH_METRICS_PORT: String(metrics),
    MESH_HEALTH_PORT: String(health),
  };
};
export const PROXY = { main: 'sidecars/mesh-proxy/src/main.ts', options: ['--experimental-ffi'] };
