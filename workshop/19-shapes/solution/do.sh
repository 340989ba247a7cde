# Measure, and write it down.
set -eu
bytes() { docker compose exec -T "$1" sh -c 'cat /sys/fs/cgroup/memory.current 2> /dev/null || cat /sys/fs/cgroup/memory/memory.usage_in_bytes'; }
mib() { sum=0; for each in "$@"; do sum=$((sum + $(bytes "$each"))); done; echo $((sum / 1048576 + 1)); }
cat > answer.yaml << END
passed: { none: 0, node: 1, sidecar: 2 }
memory: { none: 0, node: $(mib node-proxy), sidecar: $(mib stock-proxy orders-proxy) }
orders_answers: { node: no, sidecar: yes }
for_forty: { none: 0, node: 4, sidecar: 40 }
END
