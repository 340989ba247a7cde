# Write the manifests.
exec node ../../../tools/cli/bin.ts export
