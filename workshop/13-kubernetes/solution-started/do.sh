# Write the manifests.
exec node ../../../tools/bin.ts export
