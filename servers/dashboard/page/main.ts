/** The page's program: the mesh as a graph, an edge's last requests, and splits that can be moved. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import { follow } from '#kit/page/live.ts';
import type { MeshDocument } from '../src/view.ts';
import { Graph } from './graph.ts';
import { EdgeRequests } from './requests.ts';
import { Splits } from './splits.ts';

const root = document.getElementById('mesh')!;
const summary = h('p', { class: 'summary' });
const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
const requests = new EdgeRequests();
const graph = new Graph((edge) => requests.show(edge));
const splits = new Splits();

const live = follow<MeshDocument>('/api/mesh', (mesh) => {
  const replicas = mesh.services.reduce((total, { replicas: each }) => total + each.length, 0);
  const rate = mesh.edges.reduce((total, edge) => total + (edge.kind === 'requests' ? edge.rate : 0), 0);
  setText(summary, `${mesh.services.length} services, ${replicas} replicas, ${rate.toFixed(0)} requests a second`);
  problem.hidden = mesh.problem === undefined;
  setText(problem, mesh.problem ?? '');
  graph.update(mesh);
  splits.update(mesh.splits);
});
setChildren(root, [
  h('header', { class: 'top' }, h('h1', {}, 'mesh'), summary, live),
  problem,
  graph.element,
  h('div', { class: 'below' }, requests.element, splits.element),
]);
