#!/bin/sh
# bulk.cgi - half a megabyte, for an hour.
printf 'Cache-Control: max-age=3600\r\nContent-Type: application/octet-stream\r\n\r\n'
exec head -c 524288 /dev/zero
