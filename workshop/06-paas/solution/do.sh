# Push, break, revert.
set -eu
push() { docker compose exec -T developer bash /workshop/push "$1"; }
status() { docker compose exec -T git-sync bash -c 'exec 3<> /dev/tcp/127.0.0.1/9941; printf "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3; cat <&3'; }
# Until git-sync says so; what it says instead when there is no more time.
until_status() { while [ "$SECONDS" -lt 200 ]; do status | grep -q "$1" && return; sleep 0.2; done; status; exit 1; }
until_status 'seen healthy'
sed -i 's/Release 1/Release 2/' app/server.js
until_status "$(push 'release 2' | cut -d' ' -f1).*seen healthy"
cp app/server.js server.js.good
# It starts, and is not well.
sed -i "s/'well/status(500) + 'well/" app/server.js
until_status "refused   $(push 'release 3' | cut -d' ' -f1)"
mv server.js.good app/server.js
until_status "$(push 'back to release 2' | cut -d' ' -f1).*seen healthy"
