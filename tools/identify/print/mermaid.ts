/** The groups as a Mermaid flowchart, which GitHub and GitLab show in Markdown. */
import type { Answer, Member } from '../model/answer.ts';

export function mermaid({ groups }: Answer): string {
  const out = ['flowchart LR'];
  groups.forEach((group, index) => {
    const id = (name: string): string => `g${index}_${group.containers.findIndex((member) => member.name === name)}`;
    out.push(`  subgraph g${index}["${quoted(`${group.workload.kind} ${group.workload.name}`)}"]`);
    for (const member of group.containers) out.push(`    ${id(member.name)}${shape(member)}`);
    out.push('  end');
    const app = group.containers.find((member) => member.class === 'app');
    for (const member of group.containers)
      if (app && member !== app && !/^(app|peer|pause)$/.test(member.class))
        out.push(`  ${id(member.name)} -- "${member.role}" --> ${id(app.name)}`);
  });
  if (groups.length === 0) out.push('  none["no sidecars"]');
  return `${out.join('\n')}\n`;
}

function shape(member: Member): string {
  const label = quoted(member.name);
  if (member.class === 'app') return `["${label}"]`;
  if (member.class === 'init') return `>"${label}"]`;
  return `(["${label}"])`;
}

const quoted = (text: string): string =>
  text.replaceAll('"', '#quot;').replaceAll(/[<>\n]/g, (sign) => ({ '<': '#lt;', '>': '#gt;' })[sign] ?? ' ');
