# Good versions only.
set -eu
sed -i 's/Release 1/Release 2/' app/server.js
docker compose exec -T developer bash /workshop/push 'release 2'
