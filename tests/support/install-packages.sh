#!/bin/sh
# Installs the missing packages of packages.txt and of the files named as arguments. If nothing is missing, it does
# nothing and needs no rights.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

missing=""
for package in $(sed 's/#.*//' "$here/packages.txt" "$@"); do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "These packages are needed, and there is no apt-get to install them (Debian 12's names):$missing" >&2
  exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "These packages are needed; install them as root, there is no sudo here: apt-get install$missing" >&2
    exit 1
  fi
  sudo=sudo
fi
echo "installing:$missing" >&2
log=$(mktemp)
# Services of packages (nginx's) must not start: the tests run every server themselves.
policy=/usr/sbin/policy-rc.d
ours=no
if [ ! -e "$policy" ]; then
  ours=yes
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
fi
cleanUp() {
  [ "$ours" = no ] || $sudo rm -f "$policy"
  rm -f "$log"
}
trap cleanUp EXIT
trap 'exit 130' INT TERM
# shellcheck disable=SC2086
if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive \
       apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install:$missing" >&2
  exit 1
fi
