#!/usr/bin/env bash
# Installs the schemas, as locked here, into a scratch directory, and runs one check there.
#
# Usage: run.sh SCRATCH_DIRECTORY install
#        run.sh SCRATCH_DIRECTORY CHECK.mjs FILE...
set -euo pipefail

source_directory=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
scratch=$1
check=$2
shift 2

command -v npm >/dev/null || { echo "npm is missing; run scripts/install-deps all" >&2; exit 1; }
mkdir -p "$scratch"
if [ "$check" = install ]; then
  cp -- "$source_directory"/{package.json,package-lock.json,.npmrc} "$scratch"
  cd -- "$scratch"
  # Debian's npm trusts a list of its own; the system's may hold the certificate of a local mirror.
  export npm_config_cafile=${npm_config_cafile:-/etc/ssl/certs/ca-certificates.crt}
  if ! cmp -s package-lock.json installed-lock.json; then
    npm ci --ignore-scripts --no-audit --no-fund
    cp package-lock.json installed-lock.json
  fi
  exit 0
fi
# Each check beside the packages, where node looks for them.
cp -- "$source_directory"/*.{mjs,ts} "$scratch"
exec node "$scratch/$check" "$@"
