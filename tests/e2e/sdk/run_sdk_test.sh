#!/usr/bin/env bash
# Installs Cloudflare's SDK, as locked here, into a scratch directory and runs sdk_test.mjs there.
#
# Usage: run_sdk_test.sh SCRATCH_DIRECTORY PATH_TO_radar_simulator
set -euo pipefail

source_directory=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
scratch=$1
simulator=$2

command -v npm >/dev/null || { echo "npm is missing; run scripts/install-deps all" >&2; exit 1; }
mkdir -p "$scratch"
cp -- "$source_directory"/{package.json,package-lock.json,sdk_test.mjs} "$scratch"
cd -- "$scratch"
# Debian's npm trusts a list of its own; the system's may hold the certificate of a local mirror.
export npm_config_cafile=${npm_config_cafile:-/etc/ssl/certs/ca-certificates.crt}
if ! cmp -s package-lock.json installed-lock.json; then
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json installed-lock.json
fi
exec node sdk_test.mjs "$simulator"
