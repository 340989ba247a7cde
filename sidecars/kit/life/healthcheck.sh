#!/bin/bash
# A container's health check: GET a path of the admin port and expect 200. In bash alone, because
# starting Node for it would cost an idle sidecar more CPU than its work does.
#   healthcheck [PATH]    PATH is /readyz unless told
address=${ADMIN_ADDRESS:-0.0.0.0}
# An address that stands for all addresses is not one to connect to.
[[ $address =~ ^[0.]+$ ]] && address=127.0.0.1
[[ $address =~ ^[0:]+$ ]] && address=::1
exec 3<>"/dev/tcp/$address/${ADMIN_PORT:?}" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "${1:-/readyz}" >&3
read -r -t 3 _ status _ <&3
[[ $status == 200 ]] || { cat <&3 | tail -n 1; exit 1; }
